"""`make dashboards`: `python -m observability.preview`."""

import sys

from observability.preview.run import main

if __name__ == "__main__":
    sys.exit(main())
