"""Decide which addresses may be called. By default, only public addresses are allowed."""

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

NAMED_NETWORKS = {
    "loopback": ("127.0.0.0/8", "::1/128"),
    "private": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),
}
"""Networks with a name in settings. Link-local addresses, where clouds serve credentials, have none."""

EVERYTHING = "*"

NAT64 = IPv6Network("64:ff9b::/96")
NOT_PUBLIC = (IPv6Network("64:ff9b:1::/48"), IPv6Network("fec0::/10"))
"""Local networks that older versions of `ipaddress` treat as global."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Host patterns with the wildcard * and networks."""

    hosts: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()

    @classmethod
    def read(cls, setting: str, words: Iterable[str]) -> Rules:
        """Parse the entries of a setting. Raises OptionError for an invalid network."""
        hosts: list[str] = []
        networks: list[Network] = []
        for word in words:
            if word in NAMED_NETWORKS:
                networks += map(ip_network, NAMED_NETWORKS[word])
            elif (network := _network(setting, word)) is not None:
                networks.append(network)
            else:
                hosts.append(_plain(word))
        return cls(tuple(hosts), tuple(networks))

    def match(self, host: str, *addresses: Address) -> bool:
        """Whether the host matches a pattern, or an address is in a network."""
        return any(fnmatchcase(_plain(host), pattern) for pattern in self.hosts) or any(
            address in network for network in self.networks for address in addresses
        )


@dataclass(frozen=True, slots=True)
class Guard:
    """Decides whether the runner may connect to an address.

    `deny` takes precedence over `allow`. Other addresses must be public; if `closed`, they are all denied.

    >>> Guard().permits("localhost", "127.0.0.1")
    False
    """

    allow: Rules = Rules()
    deny: Rules = Rules()
    closed: bool = False

    @classmethod
    def read(cls, settings: Mapping[str, Any]) -> Guard:
        """Return the guard of the settings `http_allow` and `http_deny`. Raises OptionError."""
        return _guard(tuple(settings["http_allow"]), tuple(settings["http_deny"]))

    def permits(self, host: str, address: str) -> bool:
        """Whether the runner may connect to this address of a host."""
        return not self.refusal(host, address)

    def refusal(self, host: str, address: str) -> str:
        """Return why the runner may not connect to this address, and the setting. Empty if it may."""
        found = _unmapped(ip_address(address))
        inside = _embedded(found)
        named = _named(host, found)
        if self.deny.match(host, found, *inside):
            return f"the setting http_deny forbids {named}. Change it on the worker: JOBS_HTTP_DENY"
        if self.allow.match(host, found):
            return ""
        if self.closed:
            return f"the setting http_deny forbids all but http_allow, and so {named}. {_advice(found)}"
        if all(map(_is_public, (found, *inside))):
            return ""
        return f"{named} is {_kind(found)}, and only public ones may be called. {_advice(found)}"


@lru_cache(maxsize=16)
def _guard(allow: tuple[str, ...], deny: tuple[str, ...]) -> Guard:
    denied = [word for word in deny if word != EVERYTHING]
    closed = len(denied) < len(deny)
    return Guard(Rules.read("http_allow", allow), Rules.read("http_deny", denied), closed)


def _network(setting: str, word: str) -> Network | None:
    """Parse a network or address; None for a host name."""
    try:
        return ip_network(word.strip("[]"), strict=False)
    except ValueError:
        if "/" in word or ":" in word:
            raise OptionError(f"{setting}: expected a host or a network, got {word!r}") from None
        return None


def _plain(host: str) -> str:
    return host.rstrip(".").lower()


def _unmapped(address: Address) -> Address:
    """Convert an IPv4-mapped IPv6 address to IPv4, and drop the zone of a link-local one."""
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or IPv6Address(int(address))
    return address


def _embedded(address: Address) -> tuple[Address, ...]:
    """Return the IPv4 addresses embedded in an IPv6 address: NAT64, 6to4, Teredo."""
    if isinstance(address, IPv4Address):
        return ()
    through = IPv4Address(int(address) & 0xFFFFFFFF) if address in NAT64 else None
    found = (through, address.sixtofour, *(address.teredo or ()))
    return tuple(inside for inside in found if inside is not None)


def _is_public(address: Address) -> bool:
    if address.is_multicast or (address.is_reserved and address not in NAT64):
        return False
    return address.is_global and not any(address in network for network in NOT_PUBLIC)


def _named(host: str, address: Address) -> str:
    """Return an address as a sentence names it, with the host if that is a name."""
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return f"{address} ({host})"
    return str(address)


def _kind(address: Address) -> str:
    kinds = ("loopback", "link_local", "multicast", "unspecified", "reserved", "private")
    kind = next((kind for kind in kinds if getattr(address, f"is_{kind}")), "non-public")
    return f"a {kind.replace('_', '-')} address" if kind != "unspecified" else "an unspecified address"


def _advice(address: Address) -> str:
    return f"Allow it on the worker: JOBS_HTTP_ALLOW={address}"
