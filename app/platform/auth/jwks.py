"""Public keys of the process that issues access tokens, fetched as a JWK set (RFC 7517)."""

import asyncio
import http.client
import json
from collections.abc import Callable, Mapping
from random import Random
from time import monotonic, perf_counter
from typing import NoReturn, cast

import structlog
from jwt import PyJWK, PyJWTError

from ..telemetry.metrics.labels import CallError
from ..telemetry.metrics.observers import ClientObserver
from .fetch import FetchError, fetch
from .keys import ALGORITHM, is_usable_x, public_jwk

_JITTER = Random()  # noqa: S311 - its own, so that nobody else sees the state of `random` change
PATH = "/.well-known/jwks.json"
MAX_SET_BYTES = 64 * 1024
"""Maximum size of a response."""
MAX_KEYS = 16
FETCH_TIMEOUT_SECONDS = 3.0
"""For the whole response. A request with an unknown key waits this long, plus `MIN_REFRESH_INTERVAL_SECONDS`."""
REFRESH_INTERVAL_SECONDS = 300.0
RETRY_INTERVAL_SECONDS = 10.0
"""After a failed request if there are keys. Without keys the next request follows after one second."""
MIN_REFRESH_INTERVAL_SECONDS = 1.0
"""Between two requests, so that tokens with invented keys cannot overload the issuer."""
MAX_STALE_SECONDS = 24 * 3600.0
"""How long keys are trusted while the issuer does not respond. A withdrawn key may stay valid for this long."""
LOG_INTERVAL_SECONDS = 60.0

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


class KeysUnavailableError(FetchError):
    """The issuer returned no usable JWK set; the message is the reason."""


class JwksClient:
    """Fetches the JWK set of the process `peer` at `url`; `keys` holds the public keys by `kid`.

    It fetches them at the start, every five minutes, and when a token has an unknown key. While that fails, the last
    keys stay valid for `MAX_STALE_SECONDS`. `keys` is changed in place, and `on_withdrawn` is called after a key was
    removed.
    """

    def __init__(
        self, peer: str, url: str, *, clock: Callable[[], float] = monotonic, observer: ClientObserver | None = None
    ) -> None:
        self.peer = peer
        self.keys: dict[str, PyJWK] = {}
        self.on_withdrawn: Callable[[], object] = lambda: None
        self._url = url + PATH
        self._clock = clock
        self.observer = observer or ClientObserver()
        self._requested_at = self._updated_at = self._logged_at = float("-inf")
        self._problem = "the keys were not fetched yet"
        self._refreshing: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Refreshes the keys at intervals until it is cancelled."""
        while True:
            await self.refresh()
            pause = (
                REFRESH_INTERVAL_SECONDS
                if self.fresh
                else RETRY_INTERVAL_SECONDS
                if self.keys
                else MIN_REFRESH_INTERVAL_SECONDS
            )
            # Jitter: other pods started, or lost the issuer, at the same moment.
            await asyncio.sleep(pause * _JITTER.uniform(0.9, 1.1))

    async def refresh(self) -> None:
        """Fetches the keys once. Concurrent callers share one request. Never raises."""
        if self._refreshing is None:
            self._refreshing = asyncio.create_task(self._refresh())
        await asyncio.shield(self._refreshing)

    async def check_started(self) -> None:
        """The check of `/startupz`. Raises `KeysUnavailableError` while there is no key."""
        if not self.keys:
            raise KeysUnavailableError(self._problem)

    async def check_ready(self) -> None:
        """The check of `/readyz`. Raises `KeysUnavailableError` if the last request failed."""
        if self._problem:
            raise KeysUnavailableError(self._problem)

    @property
    def fresh(self) -> bool:
        """Whether the last request succeeded."""
        return not self._problem

    async def _refresh(self) -> None:
        try:
            await asyncio.sleep(max(0.0, self._requested_at + MIN_REFRESH_INTERVAL_SECONDS - self._clock()))
            self._requested_at = self._clock()
            self._update(await self._fetch())
        except (KeysUnavailableError, TimeoutError) as error:
            self._fail(str(error) or "timeout")
        finally:
            self._refreshing = None

    async def _fetch(self) -> Mapping[str, PyJWK]:
        begun = perf_counter()
        status, kind = 0, cast("CallError", "timeout")
        try:
            keys = await asyncio.wait_for(asyncio.to_thread(fetch_keys, self._url), FETCH_TIMEOUT_SECONDS)
            status, kind = http.client.OK, ""
        except KeysUnavailableError as error:
            status, kind = error.status, error.kind
            raise
        else:
            return keys
        finally:
            self.observer.call(status, kind, perf_counter() - begun)

    def _update(self, keys: Mapping[str, PyJWK]) -> None:
        if self._problem:
            _log.info("signing keys are known", url=self._url, kids=sorted(keys))
        self._problem = ""
        self._updated_at = self._clock()
        self._replace(keys)

    def _fail(self, problem: str) -> None:
        self._problem = problem
        now = self._clock()
        if now - self._logged_at >= LOG_INTERVAL_SECONDS:
            self._logged_at = now
            _log.warning("signing keys cannot be refreshed", url=self._url, problem=problem, known=len(self.keys))
        if now - self._updated_at >= MAX_STALE_SECONDS:
            self._replace({})

    def _replace(self, keys: Mapping[str, PyJWK]) -> None:
        withdrawn = self.keys.keys() - keys.keys()
        self.keys.update(keys)
        for kid in withdrawn:
            del self.keys[kid]
        if withdrawn:
            self.on_withdrawn()


def fetch_keys(url: str) -> dict[str, PyJWK]:
    """The Ed25519 keys at `url`, by `kid`; other keys are left out, and redirects are not followed.

    Raises `KeysUnavailableError` unless the response is a JWK set with at least one such key.
    """
    accept = "application/jwk-set+json, application/json"
    try:
        return parse_keys(fetch(url, accept=accept, max_bytes=MAX_SET_BYTES, timeout_seconds=FETCH_TIMEOUT_SECONDS))
    except FetchError as error:
        raise KeysUnavailableError(str(error), error.kind, error.status) from error


def parse_keys(text: bytes) -> dict[str, PyJWK]:
    """The Ed25519 keys of a JWK set by `kid`, the thumbprint (RFC 7638). Raises `KeysUnavailableError`."""
    if len(text) > MAX_SET_BYTES:
        _unavailable("the response is too large")
    try:
        document: object = json.loads(text)
    except (ValueError, RecursionError):
        _unavailable("the response is not JSON")
    members = cast("dict[str, object]", document).get("keys") if isinstance(document, dict) else None
    if not isinstance(members, list) or len(cast("list[object]", members)) > MAX_KEYS:
        _unavailable("the response is not a JWK set")
    keys = dict(filter(None, map(_key, cast("list[object]", members))))
    if not keys:
        _unavailable("the response has no Ed25519 key whose kid is its thumbprint")
    return keys


def _key(member: object) -> tuple[str, PyJWK] | None:
    known = cast("dict[str, object]", member) if isinstance(member, dict) else {}
    x = known.get("x")
    if (known.get("kty"), known.get("crv")) != ("OKP", "Ed25519") or not isinstance(x, str) or not is_usable_x(x):
        return None
    jwk = public_jwk(x)
    if (known.get("use", "sig"), known.get("alg", ALGORITHM), known.get("kid")) != ("sig", ALGORITHM, jwk["kid"]):
        return None
    try:
        return jwk["kid"], PyJWK(jwk)
    except (PyJWTError, ValueError):
        return None


def _unavailable(reason: str) -> NoReturn:
    raise KeysUnavailableError(reason)
