"""`python -m infra.filters`: does a record match a pattern, and if not, why not."""

from infra.stopping import run

if __name__ == "__main__":
    run("infra.filters.command")
