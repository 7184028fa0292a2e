"""Public keys of another process, which issues the tokens that this one verifies (RFC 7517)."""

import asyncio
import http.client
import json
from collections.abc import Callable, Mapping
from random import Random
from time import monotonic, perf_counter
from typing import NoReturn, cast

import structlog
from jwt import PyJWK, PyJWTError
from starlette.types import ASGIApp, Receive, Scope, Send

from ..telemetry.metrics.labels import CallError
from ..telemetry.metrics.observers import ClientCounts
from .fetch import FetchError, fetch
from .keys import ALGORITHM, is_usable_x, public_jwk
from .principal import Principal, UnknownKey, Unverifiable
from .tokens import TokenVerifier

_JITTER = Random()  # noqa: S311 - its own, so that nobody else sees the state of `random` change
PATH = "/.well-known/jwks.json"
LARGEST_SET = 64 * 1024
"""Bytes of an answer."""
MOST_KEYS = 16
PATIENCE_SECONDS = 3.0
"""For a whole answer; a request waits no longer for keys, and one second more if they were asked for just now."""
REFRESH_SECONDS = 300.0
RETRY_SECONDS = 10.0
"""After a question that was not answered, once there are keys; until then pods wait to start."""
APART_SECONDS = 1.0
"""Between two questions, so that tokens with invented keys cannot become a load for the other process."""
GOOD_SECONDS = 24 * 3600.0
"""How long keys are trusted while the other process does not answer: a key it has withdrawn may live on for so long."""
SELDOM_SECONDS = 60.0

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


class KeysUnavailableError(FetchError):
    """The other process gave no set of keys that can be used; says why."""


class RemoteKeys:
    """The keys of the process `peer` at `url`, by `kid`.

    `keys` is changed in place; `withdrawn` is called when one is gone.

    Asked for at once, every five minutes, and for a key that is not known. While the other process does not answer,
    or with something else, the last keys stay good for a day.
    """

    def __init__(
        self, peer: str, url: str, *, clock: Callable[[], float] = monotonic, counts: ClientCounts | None = None
    ) -> None:
        self.peer = peer
        self.keys: dict[str, PyJWK] = {}
        self.withdrawn: Callable[[], object] = lambda: None
        self._url = url + PATH
        self._clock = clock
        self.counts = counts or ClientCounts()
        self._asked = self._learned = self._complained = float("-inf")
        self._problem = "the keys were not asked for yet"
        self._asking: asyncio.Task[None] | None = None

    async def keep(self) -> None:
        """Keeps the keys fresh, until it is cancelled."""
        while True:
            await self.ask()
            pause = REFRESH_SECONDS if self.fresh else RETRY_SECONDS if self.keys else APART_SECONDS
            # Apart from the other pods, which started, or lost the other process, in the same moment.
            await asyncio.sleep(pause * _JITTER.uniform(0.9, 1.1))

    async def ask(self) -> None:
        """Asks once for everybody who waits; never raises."""
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        await asyncio.shield(self._asking)

    async def require(self) -> None:
        """For `/startupz`. Raises `KeysUnavailableError` while there is no key."""
        if not self.keys:
            raise KeysUnavailableError(self._problem)

    async def reach(self) -> None:
        """For `/readyz`. Raises `KeysUnavailableError` when the last question was not answered."""
        if self._problem:
            raise KeysUnavailableError(self._problem)

    @property
    def fresh(self) -> bool:
        """Whether the last question was answered."""
        return not self._problem

    async def _ask(self) -> None:
        try:
            await asyncio.sleep(max(0.0, self._asked + APART_SECONDS - self._clock()))
            self._asked = self._clock()
            self._learn(await self._fetch())
        except (KeysUnavailableError, TimeoutError) as error:
            self._fail(str(error) or "no answer in time")
        finally:
            self._asking = None

    async def _fetch(self) -> Mapping[str, PyJWK]:
        begun = perf_counter()
        status, kind = 0, cast("CallError", "timeout")
        try:
            keys = await asyncio.wait_for(asyncio.to_thread(fetch_keys, self._url), PATIENCE_SECONDS)
            status, kind = http.client.OK, ""
        except KeysUnavailableError as error:
            status, kind = error.status, error.kind
            raise
        else:
            return keys
        finally:
            self.counts.called(status, kind, perf_counter() - begun)

    def _learn(self, keys: Mapping[str, PyJWK]) -> None:
        if self._problem:
            _log.info("signing keys are known", url=self._url, kids=sorted(keys))
        self._problem = ""
        self._learned = self._clock()
        self._replace(keys)

    def _fail(self, problem: str) -> None:
        self._problem = problem
        now = self._clock()
        if now - self._complained >= SELDOM_SECONDS:
            self._complained = now
            _log.warning("signing keys cannot be refreshed", url=self._url, problem=problem, known=len(self.keys))
        if now - self._learned >= GOOD_SECONDS:
            self._replace({})

    def _replace(self, keys: Mapping[str, PyJWK]) -> None:
        withdrawn = self.keys.keys() - keys.keys()
        self.keys.update(keys)
        for kid in withdrawn:
            del self.keys[kid]
        if withdrawn:
            self.withdrawn()


class AskingForUnknownKeys:
    """Wraps an application: a token whose key is not known is judged again, after the keys were asked for."""

    def __init__(self, app: ASGIApp, verifier: TokenVerifier, remote: RemoteKeys) -> None:
        self._app = app
        self._verifier = verifier
        self._remote = remote

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if isinstance(scope.get("principal"), UnknownKey):
            await self._remote.ask()
            caller = self._verifier.authenticate(dict(scope["headers"])[b"authorization"])
            unanswered = isinstance(caller, UnknownKey) and not self._remote.fresh
            scope["principal"] = Unverifiable() if unanswered else caller
            if isinstance(caller, Principal):
                scope["slipway"].principal = str(caller.subject)
        await self._app(scope, receive, send)


def fetch_keys(url: str) -> dict[str, PyJWK]:
    """The Ed25519 keys at `url`, by `kid`; keys of other kinds are left out, and no redirect is followed.

    Raises `KeysUnavailableError` for anything but a set of at least one such key.
    """
    accept = "application/jwk-set+json, application/json"
    try:
        return parse_keys(fetch(url, accept=accept, max_bytes=LARGEST_SET, timeout_seconds=PATIENCE_SECONDS))
    except FetchError as error:
        raise KeysUnavailableError(str(error), error.kind, error.status) from error


def parse_keys(text: bytes) -> dict[str, PyJWK]:
    """The Ed25519 keys of a JWK set by `kid`, the thumbprint (RFC 7638). Raises `KeysUnavailableError`."""
    if len(text) > LARGEST_SET:
        _unavailable("the answer is too large")
    try:
        document: object = json.loads(text)
    except (ValueError, RecursionError):
        _unavailable("the answer is no JSON")
    members = cast("dict[str, object]", document).get("keys") if isinstance(document, dict) else None
    if not isinstance(members, list) or len(cast("list[object]", members)) > MOST_KEYS:
        _unavailable("the answer is no set of keys")
    keys = dict(filter(None, map(_key, cast("list[object]", members))))
    if not keys:
        _unavailable("the answer has no Ed25519 key whose kid is its thumbprint")
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
