"""A name for a configuration, so that a change of it can be seen in the metrics."""

import hashlib

from ..settings import Settings

DIGITS = 8


def fingerprint(settings: Settings) -> str:
    """Hexadecimal digits that differ where settings do, other than secrets and what `app_build_info` says.

    Secrets have no part in it: who guesses one could try it on the hash.
    """
    told = settings.model_dump_json(exclude={"service"})
    return hashlib.sha256(told.encode()).hexdigest()[:DIGITS]
