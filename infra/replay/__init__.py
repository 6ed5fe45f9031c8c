"""The way back for failed records: list, show and run them again, and send what never went through.

`python -m infra.replay --help`. It works with a real account and with the local run alike, by the
standard AWS environment variables, and with the permissions of whoever calls it.
"""
