"""`python -m infra.local`: the program on this machine."""

import sys

from infra.local.aws.emulator_process import begun_ahead
from infra.stopping import run

if __name__ == "__main__":
    with begun_ahead(sys.argv[1:]) as process:
        run("infra.local.command", process=process)
