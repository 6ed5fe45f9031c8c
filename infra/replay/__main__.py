"""`python -m infra.replay`: failed records, and the way back."""

from infra.stopping import run

if __name__ == "__main__":
    run("infra.replay.command")
