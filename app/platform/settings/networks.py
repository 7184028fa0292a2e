"""Addresses and networks of peers, as settings list them."""

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
    """Parses a comma-separated list. A single address is a network of one address, and `*` is every address.

    Raises `ValueError` with a sentence that names the position of the invalid entry.
    """
    if text.strip() == EVERYONE:
        return _ALL
    entries = [entry.strip() for entry in text.split(",")] if text.strip() else []
    return tuple(_network(entry, number) for number, entry in enumerate(entries, 1))


def covers_every_address(networks: tuple[Network, ...]) -> bool:
    """Whether the networks together contain every IPv4 or every IPv6 address."""
    four = collapse_addresses(network for network in networks if isinstance(network, IPv4Network))
    six = collapse_addresses(network for network in networks if isinstance(network, IPv6Network))
    return any(network in _ALL for network in (*four, *six))


def parse_address(text: str) -> Address | None:
    """Parses an address without a zone. An IPv4-mapped IPv6 address becomes IPv4. None for any other text."""
    if "%" in text:
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


class TrustedPeers:
    """The peers that are trusted, by the address of a connection."""

    def __init__(self, text: str) -> None:
        self._networks = parse_networks(text)
        # A connection sends many requests from one address.
        self._includes_cached = lru_cache(_PEER_CACHE_SIZE)(self._includes)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def includes(self, host: str) -> bool:
        """Whether this host is trusted. A text that is not an address is not."""
        return self._includes_cached(host)

    def includes_address(self, address: Address) -> bool:
        """The same for a parsed address."""
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
        raise ValueError(
            f"entry {number} has a prefix that is too long: the maximum is 32 for IPv4 and 128 for IPv6"
        ) from None
    if slash and ip_address(address) != network.network_address:
        raise ValueError(
            f"entry {number} has bits set after its prefix: write the first address of the network, such as 10.0.0.0/8"
        )
    return network


def _checked(text: str) -> str:
    parse_networks(text)
    return text


Networks = Annotated[str, AfterValidator(_checked)]
"""Addresses or networks, comma-separated."""
