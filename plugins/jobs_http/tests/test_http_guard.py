"""Allowed addresses of requests."""

from __future__ import annotations

import re
import socket
from typing import Any

import pytest
from jobs_http.guard import Guard

from jobs_core import OptionError


def guard(allow: str = "", deny: str = "") -> Guard:
    return Guard.read({"http_allow": allow.split(), "http_deny": deny.split()})


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "64:ff9b::808:808"])
def test_public_addresses_are_called(address: str) -> None:
    assert guard().permits("a.example", address)


LOCAL = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "192.0.2.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%1",
    "fc00::1",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::7f00:1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
]


@pytest.mark.parametrize("address", LOCAL)
def test_all_other_addresses_are_rejected(address: str) -> None:
    assert not guard().permits("a.example", address)


@pytest.mark.parametrize(
    ("allow", "host", "address", "permitted"),
    [
        ("loopback", "localhost", "127.0.0.1", True),
        ("loopback", "localhost", "::1", True),
        ("loopback", "x", "::ffff:127.0.0.1", True),
        ("loopback", "x", "10.0.0.1", False),
        ("loopback", "x", "0.0.0.0", False),
        ("private", "x", "192.168.3.4", True),
        ("private", "x", "127.0.0.1", False),
        ("private", "x", "169.254.169.254", False),
        ("private", "x", "64:ff9b::a00:1", False),
        ("10.1.0.0/16", "x", "10.1.2.3", True),
        ("10.1.0.0/16", "x", "10.2.2.3", False),
        ("10.1.2.3", "x", "10.1.2.3", True),
        ("[::1]", "x", "::1", True),
        ("*.Internal", "A.internal.", "10.0.0.1", True),
        ("*.internal", "internal", "10.0.0.1", False),
        ("api.internal", "xapi.internal", "10.0.0.1", False),
    ],
)
def test_allow(allow: str, host: str, address: str, permitted: bool) -> None:
    assert guard(allow).permits(host, address) is permitted


@pytest.mark.parametrize(
    ("allow", "deny", "host", "address", "permitted"),
    [
        ("", "8.8.0.0/16", "x", "8.8.8.8", False),
        ("", "8.8.0.0/16", "x", "64:ff9b::808:808", False),
        ("", "bad.example", "BAD.example", "8.8.8.8", False),
        ("", "bad.example", "good.example", "8.8.8.8", True),
        ("private", "10.0.0.5", "x", "10.0.0.5", False),
        ("private", "10.0.0.5", "x", "10.0.0.6", True),
        ("good.example", "*", "good.example", "8.8.8.8", True),
        ("good.example", "*", "other.example", "8.8.8.8", False),
    ],
)
def test_deny(allow: str, deny: str, host: str, address: str, permitted: bool) -> None:
    assert guard(allow, deny).permits(host, address) is permitted


@pytest.mark.parametrize("word", ["10.0.0.0/33", "10.0.0/x", "fe80::zz"])
def test_an_invalid_network_is_rejected(word: str) -> None:
    with pytest.raises(OptionError, match="http_deny"):
        guard(deny=word)


# With a runner


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "0", "[::ffff:127.0.0.1]"]
)
def test_a_loopback_server_is_not_called_by_default(drive: Any, target: Any, host: str) -> None:
    drive.settings["http_allow"] = []
    outcome = drive(target.url("/s3cret", host))
    assert (outcome.status, outcome.code) == ("failed", "refused")
    assert re.fullmatch(
        r"\S+( \(\S+\))? is (a loopback|an unspecified) address, and only public ones may be called. "
        r"Allow it on the worker: JOBS_HTTP_ALLOW=(127.0.0.1|0.0.0.0)",
        outcome.note,
    )
    assert (target.seen, target.connections) == ([], 0)


def test_a_redirect_to_a_refused_address_is_not_followed(drive: Any, target: Any) -> None:
    drive.settings |= {"http_allow": ["loopback"], "http_deny": ["127.0.0.2"]}
    to = target.url("/next", "127.0.0.2")
    assert drive(target.route("/", 302, location=to)).code == "refused"
    assert [seen.path for seen in target.seen] == ["/"]


def test_changed_settings_do_not_reuse_open_connections(drive: Any, target: Any) -> None:
    assert drive(target.url()).status == "done"
    drive.settings["http_allow"] = []
    assert drive(target.url()).code == "refused"


def test_the_address_that_was_checked_is_the_one_connected_to(
    drive: Any, target: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding has no effect."""
    asked: list[str] = []
    truly = socket.getaddrinfo

    def rebinding(host: str, *arguments: Any, **options: Any) -> Any:
        if host != "rebind.example":
            return truly(host, *arguments, **options)
        asked.append(host)
        return truly(f"127.0.0.{len(asked)}", *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    drive.settings["http_allow"] = ["127.0.0.1"]
    assert drive(target.url("/", "rebind.example")).status == "done"
    assert asked == ["rebind.example"]
    assert target.seen[0].headers["host"] == f"rebind.example:{target.server_port}"


def test_only_permitted_addresses_are_tried(drive: Any, target: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    truly = socket.getaddrinfo

    def several(host: str, *arguments: Any, **options: Any) -> Any:
        hosts = ("127.0.0.9", "127.0.0.1") if host == "both.example" else (host,)
        return [info for each in hosts for info in truly(each, *arguments, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", several)
    drive.settings["http_allow"] = ["127.0.0.1"]
    assert drive(target.url("/", "both.example")).status == "done"


def test_no_proxy_of_the_environment_is_used(
    drive: Any, target: Any, other: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", other.url())
    monkeypatch.setenv("http_proxy", other.url())
    assert drive(target.url()).status == "done"
    assert other.seen == []


def test_a_bad_setting_calls_nobody(drive: Any, target: Any) -> None:
    drive.settings["http_deny"] = ["10.0.0.0/99"]
    assert drive(target.url()).code == "settings"
    assert target.seen == []
