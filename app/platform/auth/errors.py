"""The answers to callers who may not: 401 and 403, with the challenges of RFC 6750 §3."""

from ..problems import Problem


def unauthenticated(reason: str = "") -> Problem:
    """401: no token was sent, or it was refused for this reason."""
    if not reason:
        return Problem(401, "Send an access token as a bearer token.", headers={"WWW-Authenticate": "Bearer"})
    return Problem(
        401,
        f"{reason}.",
        slug="invalid-token",
        headers={"WWW-Authenticate": f'Bearer error="invalid_token", error_description="{reason}"'},
    )


def insufficient_scope(scopes: str) -> Problem:
    """403: the token is good, but lacks one of these scopes, which are separated by spaces."""
    return Problem(
        403,
        f"The token lacks a scope that this needs: {scopes}.",
        slug="insufficient-scope",
        headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scopes}"'},
    )


def unverifiable() -> Problem:
    """503: whether the token is good cannot be known now. A 401 would make clients throw a good one away."""
    return Problem(503, "Access tokens cannot be verified at the moment; try again.", headers={"Retry-After": "1"})
