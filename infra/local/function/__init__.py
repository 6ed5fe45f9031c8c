"""The function: its process or container, the Runtime API under it, and the Invoke API."""
