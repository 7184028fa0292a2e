"""Revoked tokens as one process tells them to those that verify its tokens: the document, and how it is read."""

import asyncio
import http.client
import json
import re
from time import perf_counter
from typing import cast

from ..telemetry.metrics.labels import CallError
from ..telemetry.metrics.observers import ClientObserver
from .fetch import FetchError, fetch
from .revocations import MAX_SUBJECTS, READ_TIMEOUT_SECONDS, RevocationList

PATH = "/internal/revocations"
"""No prefix that Ingress and HTTPRoute send to the users component: it is for processes of the same release."""
POLL_INTERVAL_SECONDS = 5.0
MAX_BYTES = 1024 * 1024
_MAX_TIME = 2**53
_DIGEST = re.compile(r"[A-Za-z0-9_-]{16}")


def document_of(known: RevocationList) -> dict[str, object]:
    """The members of the JSON document."""
    return {"before": dict(known.before), "floor": known.floor, "age_seconds": round(known.age_seconds, 3)}


def parse_document(text: bytes) -> RevocationList:
    """Reads the document. Raises `FetchError` if it is not one."""
    try:
        document: object = json.loads(text)
    except (ValueError, RecursionError):
        raise FetchError("the answer is not JSON") from None
    members = cast("dict[str, object]", document) if isinstance(document, dict) else {}
    before, floor, age = (members.get(name) for name in ("before", "floor", "age_seconds"))
    if not isinstance(before, dict) or len(cast("dict[str, object]", before)) > MAX_SUBJECTS or not _is_second(floor):
        raise FetchError("the answer is not a list of revocations")
    entries = cast("dict[str, object]", before)
    if not all(_DIGEST.fullmatch(digest) and _is_second(second) for digest, second in entries.items()):
        raise FetchError("the answer has a malformed revocation")
    if not isinstance(age, (int, float)) or not 0 <= age < _MAX_TIME:
        raise FetchError("the answer has no age")
    return RevocationList(cast("dict[str, int]", entries), cast(int, floor), float(age))


class RemoteRevocations:
    """Reads the document of the process at this base URL."""

    def __init__(self, url: str, observer: ClientObserver) -> None:
        self._url = url + PATH
        self._observer = observer

    async def read(self) -> RevocationList:
        """Asks once. Raises `FetchError`."""
        begun = perf_counter()
        status, kind = 0, cast("CallError", "timeout")
        try:
            known = parse_document(await asyncio.to_thread(self._fetch))
            status, kind = http.client.OK, ""
        except FetchError as error:
            status, kind = error.status, error.kind
            raise
        else:
            return known
        finally:
            self._observer.call(status, kind, perf_counter() - begun)

    def _fetch(self) -> bytes:
        # A second less than the whole question may take, so that the thread is free when it is given up.
        seconds = READ_TIMEOUT_SECONDS - 1
        return fetch(self._url, accept="application/json", max_bytes=MAX_BYTES, timeout_seconds=seconds)


def _is_second(value: object) -> bool:
    return type(value) is int and 0 <= value < _MAX_TIME
