"""What tells a process from others, and a configuration from the one before."""

import hashlib
import os
import socket

from ..settings import Settings

FINGERPRINT_DIGITS = 8


def attributes(settings: Settings) -> dict[str, str]:
    """What spans say of the process that they come from, by OpenTelemetry's names."""
    service = settings.service
    return {
        "service.name": service.name,
        "service.version": service.version,
        "service.instance.id": f"{socket.gethostname()}-{os.getpid()}",
        "vcs.ref.head.revision": service.revision,
        "deployment.environment.name": settings.environment,
    }


def fingerprint(settings: Settings) -> str:
    """Hexadecimal digits that differ where settings do, other than secrets and what `app_build_info` says.

    Secrets have no part in it: who guesses one could try it on the hash. Nor have ports, in which processes of one
    service may differ.
    """
    told = settings.model_dump_json(exclude={"service": True, "http": {"port"}, "metrics": {"port"}})
    return hashlib.sha256(told.encode()).hexdigest()[:FINGERPRINT_DIGITS]
