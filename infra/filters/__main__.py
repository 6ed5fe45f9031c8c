"""The command line of the filters: does a record match a pattern, and if not, why not."""

import sys

from infra.filters.command import main

if __name__ == "__main__":
    sys.exit(main())
