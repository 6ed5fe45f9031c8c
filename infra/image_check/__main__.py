"""`python -m infra.image_check`: does Lambda take an image, and if not, what to do."""

from infra.stopping import run

if __name__ == "__main__":
    run("infra.image_check.command")
