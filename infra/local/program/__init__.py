"""The engine under the program: it runs `__main__.py` and has its resources made."""
