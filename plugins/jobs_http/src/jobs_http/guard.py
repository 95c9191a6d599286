"""Which addresses may be called: by default those of the public Internet, and no others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from jobs_core import OptionError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

WORDS = {
    "loopback": ("127.0.0.0/8", "::1/128"),
    "private": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),
}
"""What a word in a setting stands for. Link-local addresses, where clouds keep credentials, have none."""

EVERYTHING = "*"

NAT64 = IPv6Network("64:ff9b::/96")
NOT_PUBLIC = (IPv6Network("64:ff9b:1::/48"), IPv6Network("fec0::/10"))
"""Local networks that older versions of `ipaddress` take for global ones."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Hosts, as patterns in which * stands for any text, and networks."""

    hosts: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()

    @classmethod
    def read(cls, setting: str, words: Iterable[str]) -> Rules:
        """Raises OptionError for a network that is not one."""
        hosts: list[str] = []
        networks: list[Network] = []
        for word in words:
            if word in WORDS:
                networks += map(ip_network, WORDS[word])
            elif (network := _network(setting, word)) is not None:
                networks.append(network)
            else:
                hosts.append(_plain(word))
        return cls(tuple(hosts), tuple(networks))

    def match(self, host: str, *addresses: Address) -> bool:
        """Whether the host's name matches, or one of the addresses is in a network."""
        return any(fnmatchcase(_plain(host), pattern) for pattern in self.hosts) or any(
            address in network for network in self.networks for address in addresses
        )


@dataclass(frozen=True, slots=True)
class Guard:
    """Decides about an address that is about to be connected to.

    `deny` comes first, then `allow`; what neither names must be public, or is refused too if `closed`.

    >>> Guard().permits("localhost", "127.0.0.1")
    False
    """

    allow: Rules = Rules()
    deny: Rules = Rules()
    closed: bool = False

    @classmethod
    def read(cls, settings: Mapping[str, Any]) -> Guard:
        """The guard that the settings `http_allow` and `http_deny` describe. Raises OptionError."""
        return _guard(tuple(settings["http_allow"]), tuple(settings["http_deny"]))

    def permits(self, host: str, address: str) -> bool:
        """Whether a host may be called at one of its addresses."""
        found = _unmapped(ip_address(address))
        inside = _embedded(found)
        if self.deny.match(host, found, *inside):
            return False
        if self.allow.match(host, found):
            return True
        return not self.closed and all(map(_is_public, (found, *inside)))


@lru_cache(maxsize=16)
def _guard(allow: tuple[str, ...], deny: tuple[str, ...]) -> Guard:
    denied = [word for word in deny if word != EVERYTHING]
    closed = len(denied) < len(deny)
    return Guard(Rules.read("http_allow", allow), Rules.read("http_deny", denied), closed)


def _network(setting: str, word: str) -> Network | None:
    """The network that a word is, if it is one; an address is a network of its own."""
    try:
        return ip_network(word.strip("[]"), strict=False)
    except ValueError:
        if "/" in word or ":" in word:
            raise OptionError(
                f"the setting {setting} has {word!r}, which is no host and no network"
            ) from None
        return None


def _plain(host: str) -> str:
    return host.rstrip(".").lower()


def _unmapped(address: Address) -> Address:
    """An IPv4 address as such, when it is written as one of IPv6; the zone of a local one is left out."""
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or IPv6Address(int(address))
    return address


def _embedded(address: Address) -> tuple[Address, ...]:
    """The IPv4 addresses that a gateway would make of one of IPv6: NAT64, 6to4, Teredo."""
    if isinstance(address, IPv4Address):
        return ()
    through = IPv4Address(int(address) & 0xFFFFFFFF) if address in NAT64 else None
    found = (through, address.sixtofour, *(address.teredo or ()))
    return tuple(inside for inside in found if inside is not None)


def _is_public(address: Address) -> bool:
    if address.is_multicast or (address.is_reserved and address not in NAT64):
        return False
    return address.is_global and not any(address in network for network in NOT_PUBLIC)
