"""ASGI middleware that verifies a token with an unknown key again after it fetched the issuer's keys."""

from starlette.types import ASGIApp, Receive, Scope, Send

from ..auth.jwks import JwksClient
from ..auth.principal import Principal, UnknownKey, Unverifiable
from ..auth.tokens import TokenVerifier


class UnknownKeyMiddleware:
    """Refreshes the keys when `scope["principal"]` is an `UnknownKey`, and replaces it with the new result."""

    def __init__(self, app: ASGIApp, verifier: TokenVerifier, jwks: JwksClient) -> None:
        self._app = app
        self._verifier = verifier
        self._jwks = jwks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if isinstance(scope.get("principal"), UnknownKey):
            await self._jwks.refresh()
            principal = self._verifier.authenticate(dict(scope["headers"])[b"authorization"])
            unverifiable = isinstance(principal, UnknownKey) and not self._jwks.fresh
            scope["principal"] = Unverifiable() if unverifiable else principal
            if isinstance(principal, Principal):
                scope["slipway"].principal = str(principal.subject)
        await self._app(scope, receive, send)
