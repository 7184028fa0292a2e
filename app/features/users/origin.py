"""Where a request with a password comes from: its network, and whether its client is still there."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address


async def _never() -> None:
    await asyncio.Event().wait()


@dataclass(frozen=True, slots=True)
class Origin:
    """A client.

    Args:
        network: its address as it is counted, see `network_of`; empty for a caller in this process, who is not counted.
        left: returns when the client has disconnected, and not before.
    """

    network: str = ""
    left: Callable[[], Awaitable[None]] = _never


HERE = Origin()
"""The process itself, which adds users of its own."""


def network_of(address: str) -> str:
    """What stands for an address: of IPv6 its /64, which is what one customer has at least (RFC 6177 §2).

    An IPv4 address in IPv6 is that IPv4 address. What is no IP address, such as a Unix socket's, stands for itself.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return address or "unknown"
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"
