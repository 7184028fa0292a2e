"""The client of a request that a trusted proxy forwards: `X-Forwarded-For` and `-Proto`, read strictly."""

from starlette.types import Scope

from ..settings.networks import Address, TrustedPeers, parse_address

MAX_HOPS = 32
"""Proxies between the client and this process that are considered."""
_SCHEMES = {
    "http": {b"http": "http", b"https": "https"},
    "websocket": {b"http": "ws", b"https": "wss", b"ws": "ws", b"wss": "wss"},
}


def apply_forwarded(scope: Scope, trusted: TrustedPeers) -> None:
    """Replaces `client` and `scheme` of a request that comes from a trusted proxy by what the proxy reports.

    `client` is always an address, so that a proxy that forwards its client's text cannot put it into logs and keys.
    From the last entry to the first, the first address that is not a trusted proxy is the client. Entries before one
    that is not an address are ignored.
    """
    peer = scope.get("client")
    if not peer or not trusted.includes(peer[0]):
        return
    hops: list[bytes] = []
    scheme = None
    for name, value in scope["headers"]:
        if name == b"x-forwarded-for":
            hops.append(value)
        elif name == b"x-forwarded-proto":
            scheme = _SCHEMES[scope["type"]].get(value.strip().lower())
    if scheme:
        scope["scheme"] = scheme
    client: Address | None = None
    for entry in reversed(b",".join(hops).rsplit(b",", MAX_HOPS)[-MAX_HOPS:]):
        address = _hop(entry.decode("latin-1").strip(" \t"))
        if address is None:
            break
        client = address
        if not trusted.includes_address(address):
            break
    if client is not None:
        scope["client"] = (str(client), 0)


def _hop(entry: str) -> Address | None:
    """An entry's address: `192.0.2.7`, `192.0.2.7:443`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:443`."""
    host, port = entry, ""
    if entry.startswith("["):
        host, closed, rest = entry[1:].partition("]")
        if not closed or ":" not in host or (rest and not rest.startswith(":")):
            return None
        port = rest[1:] if rest else ""
        if rest == ":":
            return None
    elif entry.count(":") == 1:
        host, _, port = entry.partition(":")
        if not port:
            return None
    if port and not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65535):
        return None
    return parse_address(host)
