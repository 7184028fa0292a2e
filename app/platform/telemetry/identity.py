"""What tells a process from others, and a configuration from the one before."""

import hashlib
import os
import socket

from ..settings import Settings

DIGITS = 8


def instance() -> str:
    """The process, as `service.instance.id`: in Kubernetes the name of the pod, and the process in it."""
    return f"{socket.gethostname()}-{os.getpid()}"


def fingerprint(settings: Settings) -> str:
    """Hexadecimal digits that differ where settings do, other than secrets and what `app_build_info` says.

    Secrets have no part in it: who guesses one could try it on the hash. Nor have ports, in which processes of one
    service may differ.
    """
    told = settings.model_dump_json(exclude={"service": True, "http": {"port"}, "metrics": {"port"}})
    return hashlib.sha256(told.encode()).hexdigest()[:DIGITS]
