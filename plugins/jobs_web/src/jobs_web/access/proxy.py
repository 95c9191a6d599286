"""Proxies that are trusted: with the address and scheme of a request, and with who sends it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import Scope

from jobs_core import OptionError
from jobs_web.access.user import Role, is_user_name

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """The proxies that a server believes.

    Args:
        networks: Their addresses.
        user_header: The header in which they name the user. They must remove it from what clients send.
        user_role: The role of such users without a token of that name. None: they are not let in.
    """

    networks: tuple[Network, ...] = ()
    user_header: str | None = None
    user_role: Role | None = None

    def trusts(self, address: str) -> bool:
        """Return whether an address is one of these proxies."""
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        found = getattr(found, "ipv4_mapped", None) or found
        return any(found in network for network in self.networks)

    def user_name(self, scope: Scope) -> str | None:
        """Return the user that a trusted proxy names. A header that is there twice names nobody."""
        if self.user_header is None or not self.trusts(peer(scope)):
            return None
        values = Headers(scope=scope).getlist(self.user_header)
        if len(values) != 1:
            return None
        try:
            name = values[0].encode("latin-1").decode().strip()
        except UnicodeDecodeError:
            return None
        return name if is_user_name(name) else None

    def address(self, scope: Scope) -> str:
        """Return where a request comes from: the last address in X-Forwarded-For that is no proxy."""
        found = peer(scope)
        forwarded = ",".join(Headers(scope=scope).getlist("x-forwarded-for")).split(",")
        while forwarded and self.trusts(found):
            found = forwarded.pop().strip() or found
        return found

    def is_https(self, scope: Scope) -> bool:
        """Return whether the browser uses https, as far as the server or a trusted proxy knows."""
        if self.trusts(peer(scope)):
            return Headers(scope=scope).get("x-forwarded-proto", scope["scheme"]) == "https"
        return str(scope["scheme"]) == "https"


def peer(scope: Scope) -> str:
    """Return the address of the other end of the connection. It is empty for a socket file."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Read addresses and networks. Raises OptionError.

    >>> networks(["10.0.0.1"])
    (IPv4Network('10.0.0.1/32'),)
    """
    found = []
    for text in texts:
        try:
            found.append(ipaddress.ip_network(text))
        except ValueError:
            raise OptionError(
                f"trusted-proxy: expected an address or a network such as 10.0.0.0/8, got {text!r}",
                option="trusted-proxy",
            ) from None
    return tuple(found)
