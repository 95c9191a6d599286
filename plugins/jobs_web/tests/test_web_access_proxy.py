"""Proxies that are trusted: who the user is, where a request comes from, and whether it was https."""

from __future__ import annotations

import jobs_web
import pytest
from jobs_web.access.failures import MOST
from jobs_web.access.proxy import TrustedProxies, networks
from jobs_web.access.tokens import Tokens
from jobs_web.access.user import Role

from jobs_core import Board, OptionError

from .conftest import Served, serving
from .test_web_access import HERE, add, log_in, push

LOCAL = ("127.0.0.1/32",)
AWAY = ("192.0.2.0/24",)


def behind(board: Board, *, proxies: tuple[str, ...] = LOCAL, role: Role | None = "viewer"):  # type: ignore[no-untyped-def]
    """Serve a board behind proxies that name the user in X-Forwarded-User."""
    trusted = TrustedProxies(networks(proxies), "X-Forwarded-User", role)
    return serving(jobs_web.app(board, access=jobs_web.Access(proxies=trusted)))


def status(served: Served, *names: str | bytes) -> int:
    headers = [(b"x-forwarded-user", name.encode() if isinstance(name, str) else name) for name in names]
    return served.client.get("/", headers=headers).status_code


def test_a_trusted_proxy_names_the_user(board: Board) -> None:
    with behind(board) as served:
        page = served.client.get("/", headers={"X-Forwarded-User": "ann@example.com"}).text
        assert "ann@example.com" in page and "viewer" in page
        assert "Log out" not in page
        assert status(served) == 303


def test_nobody_else_does(board: Board) -> None:
    with behind(board, proxies=AWAY) as served:
        assert status(served, "ann") == 303


@pytest.mark.parametrize(
    "names", [("ann", "ben"), ("",), (b"\xc2\xa0",), ("a\x7fb",), (b"\xff",), ("x" * 257,)]
)
def test_a_header_that_names_nobody_clearly_is_ignored(board: Board, names: tuple[str, ...]) -> None:
    with behind(board) as served:
        assert status(served, *names) == 303
        assert status(served, "é") == 200


def test_a_token_of_that_name_gives_the_role(board: Board) -> None:
    board.put("report", "console", "x", every=3600)
    add(board, "operator", "ann")
    with behind(board, role=None) as served:
        assert status(served, "ben") == 303
        assert push(served, **HERE, **{"X-Forwarded-User": "ann"}).status_code == 303
        assert next(board.changes("report")).by == "ann"
        assert push(served, **{"X-Forwarded-User": "ann"}).status_code == 403  # as with a cookie


def test_a_trusted_proxy_says_that_the_browser_uses_https(board: Board) -> None:
    secret = add(board, "viewer")
    for proxies, is_secure in ((LOCAL, True), (AWAY, False)):
        with behind(board, proxies=proxies) as served:
            data, headers = {"token": secret}, HERE | {"X-Forwarded-Proto": "https"}
            answer = served.client.post("/login", data=data, headers=headers)
            assert ("secure" in answer.headers["set-cookie"].lower()) == is_secure


def test_failed_logins_count_for_the_address_that_the_proxy_names(board: Board) -> None:
    with behind(board) as served:
        for _ in range(MOST):
            headers = HERE | {"X-Forwarded-For": "spoofed, 198.51.100.1, 127.0.0.1"}
            served.client.post("/login", data={"token": "x"}, headers=headers)
        elsewhere = HERE | {"X-Forwarded-For": "198.51.100.2"}
        assert served.client.post("/login", data={"token": "x"}, headers=elsewhere).status_code == 401
        again = HERE | {"X-Forwarded-For": "198.51.100.1"}
        assert served.client.post("/login", data={"token": "x"}, headers=again).status_code == 429


def test_addresses_that_others_name_do_not_count(board: Board) -> None:
    with behind(board, proxies=AWAY) as served:
        for number in range(MOST):
            headers = HERE | {"X-Forwarded-For": f"198.51.100.{number}"}
            served.client.post("/login", data={"token": "x"}, headers=headers)
        assert log_in(served, Tokens(board).add("late", "viewer")).status_code == 429


def test_networks_are_checked() -> None:
    trusted = TrustedProxies(networks(["10.0.0.0/8", "2001:db8::1"]))
    assert [trusted.trusts(a) for a in ("10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1")] == [True] * 3
    assert [trusted.trusts(a) for a in ("11.1.2.3", "2001:db8::2", "", "unix:")] == [False] * 4
    with pytest.raises(OptionError, match=r"trusted-proxy: expected an address .* got 'ten'"):
        networks(["ten"])
