"""Addresses and networks of peers, as a setting says them."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, collapse_addresses, ip_address, ip_network
from typing import Annotated, TypeAlias

from pydantic import AfterValidator

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

EVERYONE = "*"
_ALL = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))
_PEER_CACHE_SIZE = 4096


def parse_networks(text: str) -> tuple[Network, ...]:
    """The networks of a comma-separated list; a single address is a network of one, and `*` is everybody.

    Raises `ValueError` with a sentence that names the entry by its number.
    """
    if text.strip() == EVERYONE:
        return _ALL
    entries = [entry.strip() for entry in text.split(",")] if text.strip() else []
    return tuple(_network(entry, number) for number, entry in enumerate(entries, 1))


def covers_everybody(networks: tuple[Network, ...]) -> bool:
    """Whether every IPv4 or every IPv6 address is in them, however that is written."""
    four = collapse_addresses(network for network in networks if isinstance(network, IPv4Network))
    six = collapse_addresses(network for network in networks if isinstance(network, IPv6Network))
    return any(network in _ALL for network in (*four, *six))


def parse_address(text: str) -> Address | None:
    """The address without a zone, an IPv4 address in IPv6 as IPv4; None for anything else."""
    if "%" in text:
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


class TrustedPeers:
    """Who is believed, by the address of the other end of a connection."""

    def __init__(self, text: str) -> None:
        self._networks = parse_networks(text)
        # A connection brings many requests from one address.
        self._includes_cached = lru_cache(_PEER_CACHE_SIZE)(self._includes)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def includes(self, host: str) -> bool:
        """Whether this host is believed; no text that is not an address is."""
        return self._includes_cached(host)

    def includes_address(self, address: Address) -> bool:
        """The same for an address that is parsed already."""
        return any(address in network for network in self._networks)

    def _includes(self, host: str) -> bool:
        address = parse_address(host)
        return address is not None and self.includes_address(address)


def _network(entry: str, number: int) -> Network:
    address, slash, prefix = entry.partition("/")
    if parse_address(address) is None or (slash and not (prefix.isascii() and prefix.isdigit() and len(prefix) <= 3)):
        raise ValueError(f"entry {number} must be an IP address or a network such as 10.0.0.0/8")
    try:
        network = ip_network(entry, strict=False)
    except ValueError:
        raise ValueError(f"entry {number} has a prefix that is too long: at most 32 for IPv4, 128 for IPv6") from None
    if slash and ip_address(address) != network.network_address:
        raise ValueError(f"entry {number} has an address that is not the first of its network, as 10.0.0.0/8 has")
    return network


def _checked(text: str) -> str:
    parse_networks(text)
    return text


Networks = Annotated[str, AfterValidator(_checked)]
"""Addresses or networks, comma-separated."""
