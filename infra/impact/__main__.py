"""The command line of the impact: what of an update loses something, and may it go on."""

import sys

from infra.impact.command import main

if __name__ == "__main__":
    sys.exit(main())
