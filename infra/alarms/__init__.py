"""What is watched: the metrics of a pipeline, the alarms on them, who is told, and the dashboard.

Plain data, but for the topic; `infra.monitoring` makes resources of it.
"""
