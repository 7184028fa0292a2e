"""Who runs the server: PostgreSQL refuses root, so root hands it to an account without rights."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import TypedDict

CLEAN_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
"""What the server's programs see: no PG* variable, no locale and no time zone of the machine."""


class Account(TypedDict, total=False):
    """Arguments of `subprocess.Popen`; empty means this user."""

    user: int
    group: int
    extra_groups: list[int]


def server_account(data: Path) -> Account:
    """This user; for root the owner of an existing data folder, else `nobody`."""
    if os.geteuid() != 0:
        return {}
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def give(path: Path, account: Account) -> None:
    """Make `account` the owner of `path`."""
    if "user" in account and "group" in account:
        os.chown(path, account["user"], account["group"])
