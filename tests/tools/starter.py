"""Runs the embedded PostgreSQL until its input ends: a starter that tests can kill.

Usage: starter.py FOLDER [USER]; with USER, root becomes that user once everything is imported, since the user
may not be able to read the Python installation.
"""

import json
import os
import pwd
import sys
from pathlib import Path

from tools.postgres.errors import EmbeddedPostgresError
from tools.postgres.server import running_postgres


def main() -> None:
    """Print the server's address, or the one sentence of a refusal, as a line of JSON."""
    folder, *user = sys.argv[1:]
    if user:
        account = pwd.getpwnam(user[0])
        os.setgroups([])
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)
    try:
        with running_postgres(Path(folder), durable=False) as server:
            told = {"port": server.port, "server": server.process_id}
            print(json.dumps(told), flush=True)
            sys.stdin.read()
    except EmbeddedPostgresError as error:
        print(json.dumps({"refusal": str(error)}), flush=True)


if __name__ == "__main__":
    main()
