"""Serves `edited:app` of a folder with reload; a program that the tests start."""

import sys

from app.platform.server.reload import serve_with_reload
from app.platform.settings import load_settings

if __name__ == "__main__":
    folder = sys.argv[1]
    sys.path.insert(0, folder)
    sys.exit(serve_with_reload("edited:app", load_settings(), [folder]))
