"""`python -m infra.impact`: what of an update loses something, and may it go on."""

from infra.stopping import run

if __name__ == "__main__":
    run("infra.impact.command")
