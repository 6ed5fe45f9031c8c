"""`python -m infra.local`: the command line, of which Ctrl-C leaves no traceback at any moment."""

import signal
import sys

if __name__ == "__main__":
    # Importing takes a second or two, and there is nothing to close yet: the process just ends.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from infra.local.command import main

    code = main()
    # All is closed, and Python's own end would print a traceback.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(code)
