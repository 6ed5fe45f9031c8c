"""`python -m infra.local`: the program on this machine."""

from infra.stopping import run

if __name__ == "__main__":
    run("infra.local.command")
