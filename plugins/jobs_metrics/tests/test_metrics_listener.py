"""Where metrics are served, and to whom."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest
from jobs_metrics.listener import Listener, read_address
from prometheus_client import CollectorRegistry, Gauge

from jobs_core import Board, OptionError
from tests.helpers import Jobs, refused

from .conftest import get


@pytest.fixture
def listener() -> Iterator[Listener]:
    registry = CollectorRegistry()
    Gauge("jobs_answer", "What it is.", registry=registry).set(42)
    with closing(Listener(read_address("metrics", "0"), registry)) as found:
        yield found


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("9464", "127.0.0.1", 9464),
        ("0.0.0.0:9464", "0.0.0.0", 9464),
        ("worker.internal:80", "worker.internal", 80),
        ("[::1]:9464", "::1", 9464),
    ],
)
def test_addresses(text: str, host: str, port: int) -> None:
    found = read_address("metrics", text)
    assert (found.host, found.port) == (host, port)


@pytest.mark.parametrize("text", ["", "x", ":9464", "::1:9464", "host:", "70000", "-1", "٣", "[]:80", "1 2"])
def test_other_addresses_are_refused(text: str) -> None:
    with pytest.raises(
        OptionError, match=r"metrics: expected \[HOST:\]PORT, such as 9464 or 0.0.0.0:9464, got "
    ):
        read_address("metrics", text)


def test_a_port_that_is_taken_is_one_sentence(board: Board, jobs: Jobs) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        for words in (("run", "--runner", "console", "--metrics", port), ("metrics", "--listen", port)):
            result = jobs(*words)
            option = words[-2].removeprefix("--")
            assert result.exit_code == 2
            assert result.stderr == f"Error: {option}: 127.0.0.1:{port} is taken: choose another port\n"
    assert list(board.workers()) == []


def test_a_host_that_is_not_here_is_one_sentence(jobs: Jobs) -> None:
    refused(
        jobs("run", "--metrics", "no.such.host.invalid:0"), "there is no address of 'no.such.host.invalid'"
    )
    refused(jobs("run", "--metrics", "192.0.2.1:0"), "metrics: cannot listen on 192.0.2.1:0")


def test_the_option_goes_before_the_setting(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBS_METRICS", "nonsense")
    refused(jobs("run"), "metrics: expected [HOST:]PORT, such as 9464 or 0.0.0.0:9464, got 'nonsense'")
    refused(jobs("run", "--metrics", "192.0.2.1:0"), "metrics: cannot listen on 192.0.2.1:0")


def test_without_the_plugin_the_option_says_what_to_install(jobs: Jobs) -> None:
    result = jobs("--no-plugins", "run", "--metrics", "9464")
    assert result.exit_code == 2
    assert result.stderr == (
        "Error: no plugin here has the setting 'metrics': install jobs-metrics, or enable it\n"
    )


def test_only_one_path_is_served(listener: Listener) -> None:
    other = httpx.get(listener.url.replace("/metrics", "/"))
    assert (other.status_code, other.text) == (404, "The metrics are at /metrics.\n")
    assert httpx.post(listener.url).status_code == 405


def test_head_answers_as_get_without_the_body(listener: Listener) -> None:
    for url in (listener.url, listener.url.replace("/metrics", "/")):
        head, full = httpx.head(url), httpx.get(url)
        assert (head.status_code, head.content) == (full.status_code, b"")
        assert {name: head.headers[name] for name in ("content-type", "content-length")} == {
            name: full.headers[name] for name in ("content-type", "content-length")
        }


def test_the_format_is_negotiated(listener: Listener) -> None:
    assert get(listener.url).text.endswith("jobs_answer 42.0\n# EOF\n")
    plain = httpx.get(listener.url, headers={"Accept": "text/plain"})
    assert plain.headers["content-type"].startswith("text/plain; version=0.0.4")
    with httpx.stream("GET", listener.url, headers={"Accept-Encoding": "gzip"}) as answer:
        assert b"jobs_answer 42.0" in gzip.decompress(b"".join(answer.iter_raw()))


def test_a_query_chooses_nothing(listener: Listener) -> None:
    assert "jobs_answer 42.0" in get(f"{listener.url}?name[]=other").text


def test_clients_that_hang_or_go_away_hold_up_nobody(
    listener: Listener, capfd: pytest.CaptureFixture[str]
) -> None:
    where = httpx.URL(listener.url)
    with socket.create_connection((where.host, where.port or 0)) as hanging:
        hanging.sendall(b"GET /metrics HT")
        assert get(listener.url).status_code == 200
    with socket.create_connection((where.host, where.port or 0)) as leaving:
        leaving.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
    assert get(listener.url).status_code == 200
    assert capfd.readouterr().err == ""
