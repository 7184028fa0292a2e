"""Roles: which scopes a user has. They are resolved at each log-in, so that a new feature needs no change of a row."""

from collections.abc import Iterable, Sequence

DEFAULT_ROLE = "user"
ACCESS_OF_ROLE = {DEFAULT_ROLE: ("read", "write"), "admin": ("read", "write", "admin")}
"""The last part of the scopes that a role has of every feature."""


def scopes_of(role: str, extra: Iterable[str], features: Sequence[str]) -> list[str]:
    """The scopes of a user: those of the role for every feature, and those that this user has besides.

    `features` are all features of the installation: tokens are issued for those in other processes too.
    """
    by_role = [f"{feature}:{access}" for feature in features for access in ACCESS_OF_ROLE[role]]
    return list(dict.fromkeys([*by_role, *extra]))
