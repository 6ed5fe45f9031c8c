"""CloudWatch, as far as alarms need it: metrics over time, and the states of alarms on them.

Time is the caller's: nothing here waits or looks at a clock.
"""
