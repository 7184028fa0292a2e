"""`make run`: `python -m tools.run`."""

import signal
import sys

# The reloader's children import this module under another name.
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a Ctrl-C during the imports needs no traceback

    from tools.run.run import main

    sys.exit(main())
