"""`make run`: `python -m app.development`."""

import signal
import sys

# The reloader's children import this module under another name.
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a Ctrl-C during the imports needs no traceback

    from app.development.run import main

    sys.exit(main())
