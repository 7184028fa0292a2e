"""Where a request with a password comes from: its network, and whether its client is still there."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

_NAT64 = IPv6Network("64:ff9b::/96")
"""What stands before an IPv4 client's address where the data center speaks IPv6 alone (RFC 6052 §2.1, RFC 7755)."""


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

    An IPv4 address in IPv6 is that IPv4 address: mapped, or translated on the way here (NAT64, 6to4), where all of them
    or 65,536 networks of each would be one client. What is no IP address, such as a Unix socket's, stands for itself.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return address or "unknown"
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed in _NAT64:
        return str(IPv4Address(int(parsed) & 0xFFFF_FFFF))
    within = parsed.ipv4_mapped or parsed.sixtofour
    if within:
        return str(within)
    return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"
