"""The embedded AWS: the server, and how each resource of the program is made in it."""
