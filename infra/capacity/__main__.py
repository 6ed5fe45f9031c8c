"""The command line of the capacity model."""

import sys

from infra.capacity.command import main

if __name__ == "__main__":
    sys.exit(main())
