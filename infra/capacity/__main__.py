"""`python -m infra.capacity`: what a load takes."""

from infra.stopping import run

if __name__ == "__main__":
    run("infra.capacity.command")
