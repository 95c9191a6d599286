"""How clients connect: URLs, time-outs, servers that close connections or speak something else."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from jobs_core import AsyncBoard, Board, OptionError, ServerError
from jobs_core.client.redis_url import PARAMETERS, parse
from jobs_core.worker.leases import renewal_timeout
from tests.helpers import Jobs, refused, working
from torture.proxy import Proxy

SECRETS = ("p@ss", "w#rd", "rd@h", "ss/w", "s3cret", "'ss'", "w#")


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("redis://:p@ss/w#rd@h/0", "special characters in its password must be percent-encoded"),
        ("redis://:s3cret/x@h/0", "must be percent-encoded"),
        ("redis://u:12?s3cret=1@h/0", "must be percent-encoded"),
        ("redis://u:12#s3cret@h/0", "must be percent-encoded"),
        ("redis://:[s3cret@h/0", "must be percent-encoded"),
        ("redis://h:s3cret", "its port must be a number from 1 to 65535"),
        ("redis://h:99999", "its port must be a number from 1 to 65535"),
        ("redis://h/s3cret", "the database after the host must be a number"),
        ("redis://h/-1", "the database after the host must be a number"),
        ("redis://", "it names no host"),
        ("redis:///0", "it names no host"),
        ("redis://:s3cret@:6379/0", "it names no host"),
        ("redis://h?foo=s3cret", "there is no parameter 'foo'. redis:// takes client_name, db,"),
        ("redis://h?socket_timeot=9", "(did you mean 'socket_timeout'?)"),
        ("redis://h?socket_timeout=0", "socket_timeout must be a number of seconds above 0"),
        ("redis://h?socket_timeout=inf", "socket_timeout must be a number of seconds above 0"),
        ("redis://h?db=x", "db must be a whole number"),
        ("redis://h?socket_keepalive=perhaps", "socket_keepalive must be true or false"),
        ("redis://h?ssl_ca_certs=a", "there is no parameter 'ssl_ca_certs'"),
        ("unix:///s?socket_keepalive=1", "there is no parameter 'socket_keepalive'"),
        ("rediss://h?ssl_cert_reqs=maybe", "ssl_cert_reqs must be none, optional or required"),
        ("unix://jobs.sock", "the path of a socket must be absolute. Write unix:///PATH"),
        ("unix://", "the path of a socket must be absolute"),
        ("jobs.sock", "expected redis://HOST:PORT/DB"),
        ("http://h", "expected redis://HOST:PORT/DB"),
        ("redis:h", "expected redis://HOST:PORT/DB"),
    ],
)
def test_a_bad_url_is_one_sentence_without_its_password(
    bad: str, says: str, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = jobs("count", "--url", bad)
    refused(result, "The URL of Redis is invalid", says)
    monkeypatch.setenv("JOBS_REDIS_URL", bad)
    assert jobs("count").stderr == result.stderr
    for kind in (Board, AsyncBoard):
        with pytest.raises(OptionError) as error:
            kind("b", bad)
        assert f"Error: {error.value}\n" == result.stderr
    assert result.stderr.count("\n") == 1
    assert not any(secret in result.output for secret in SECRETS)


@pytest.mark.parametrize(
    ("url", "scheme", "options"),
    [
        ("redis://h", "redis", {"host": "h", "port": 6379}),
        ("valkey://h:1/2", "redis", {"host": "h", "port": 1, "db": 2}),
        ("VALKEYS://u:p%40%2F@h/", "rediss", {"host": "h", "port": 6379, "username": "u", "password": "p@/"}),
        ("redis://:p@ss@[::1]:7/0", "redis", {"host": "::1", "port": 7, "db": 0, "password": "p@ss"}),
        ("unix:///a%20b@c.sock?db=3\n", "unix", {"path": "/a b@c.sock", "db": 3}),
        ("unix://u:p@/s", "unix", {"path": "/s", "username": "u", "password": "p"}),
        (
            "rediss://h?socket_timeout=2.5&ssl_check_hostname=no&client_name=a%40b",
            "rediss",
            {
                "host": "h",
                "port": 6379,
                "socket_timeout": 2.5,
                "ssl_check_hostname": False,
                "client_name": "a@b",
            },
        ),
    ],
)
def test_a_url_means_what_it_says(url: str, scheme: str, options: dict[str, Any]) -> None:
    found = parse(url)
    assert (found.scheme, found.options) == (scheme, options)


VALUES = {"ssl_cert_reqs": "none", "protocol": "2"}


@pytest.mark.parametrize("scheme", PARAMETERS)
def test_every_parameter_is_one_that_redis_py_takes(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs_core.client.connection.require_readable", lambda options: None)  # no such files
    query = "&".join(f"{name}={VALUES.get(name, '1')}" for name in PARAMETERS[scheme])
    start = "unix:///s" if scheme == "unix" else f"{scheme}://h"
    board = Board("b", f"{start}?{query}")
    board.client.connection_pool.make_connection()

    async def use() -> None:
        async with AsyncBoard("b", f"{start}?{query}") as same:
            same.client.connection_pool.make_connection()

    asyncio.run(use())


# Time-outs


def timeouts(board: Board) -> tuple[float, float]:
    options = board.client.connection_pool.connection_kwargs
    return options["socket_connect_timeout"], options["socket_timeout"]


def test_time_outs_come_from_the_call_the_url_the_environment_or_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert timeouts(Board("b", "redis://h")) == (5.0, 5.0)
    (tmp_path / "jobs.toml").write_text("[settings]\nsocket_timeout = 4\nsocket_connect_timeout = 3\n")
    monkeypatch.setenv("JOBS_CONFIG", str(tmp_path / "jobs.toml"))
    assert timeouts(Board("b", "redis://h")) == (3.0, 4.0)
    monkeypatch.setenv("JOBS_SOCKET_TIMEOUT", "2")
    assert timeouts(Board("b", "redis://h")) == (3.0, 2.0)
    url = "redis://h?socket_timeout=1&socket_connect_timeout=1.5"
    assert timeouts(Board("b", url)) == (1.5, 1.0)
    assert timeouts(Board("b", url, socket_timeout=7, socket_connect_timeout=8)) == (8.0, 7.0)
    assert timeouts(AsyncBoard("b", url, socket_timeout=7)._board) == (1.5, 7.0)  # type: ignore[arg-type]


def test_a_time_out_that_is_none_is_refused(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OptionError, match=r"^socket_timeout: expected a number of seconds above 0, got -1"):
        Board("b", "redis://h", socket_timeout=-1)
    monkeypatch.setenv("JOBS_SOCKET_CONNECT_TIMEOUT", "0")
    refused(jobs("count"), "JOBS_SOCKET_CONNECT_TIMEOUT: expected a number of seconds above 0, got 0.0")
    monkeypatch.setenv("JOBS_SOCKET_CONNECT_TIMEOUT", "soon")
    refused(jobs("count"), "JOBS_SOCKET_CONNECT_TIMEOUT: expected a number")


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


@pytest.fixture
def full() -> Iterator[int]:
    """A port that accepts no connection any more, as behind a firewall that drops packets."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        port = int(server.getsockname()[1])
        waiting = []
        for _ in range(4):
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(("127.0.0.1", port))
        yield port
        for one in waiting:
            one.close()


QUICK = "?socket_timeout=0.2&socket_connect_timeout=0.2"


def fails(jobs: Jobs, url: str, says: str) -> None:
    """The command line and the asyncio client say the same sentence, and the exit code is 1."""
    result = jobs("count", "--url", url + QUICK)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1), result.output
    assert says in result.stderr

    async def use() -> None:
        async with AsyncBoard("b", url + QUICK, validate=False) as board:
            with pytest.raises(ServerError) as error:
                await board.count()
            assert says in str(error.value)

    asyncio.run(use())


def test_a_server_that_says_nothing_is_named(jobs: Jobs, silent: int) -> None:
    fails(jobs, f"redis://127.0.0.1:{silent}", f"127.0.0.1:{silent} did not answer in time")
    fails(jobs, f"rediss://127.0.0.1:{silent}", f"cannot reach Redis at 127.0.0.1:{silent} (no connection")


def test_a_host_that_drops_packets_is_named(jobs: Jobs, full: int) -> None:
    fails(jobs, f"redis://127.0.0.1:{full}", f"cannot reach Redis at 127.0.0.1:{full} (no connection in time")


def test_a_server_that_is_not_there_is_named(jobs: Jobs) -> None:
    fails(jobs, "redis://127.0.0.1:1", "cannot reach Redis at 127.0.0.1:1 (Connection refused)")
    fails(jobs, "unix:///no/such.sock", "cannot reach Redis at /no/such.sock (No such file or directory)")


def test_a_server_without_tls_is_told_from_one_that_is_away(jobs: Jobs, tcp: tuple[int, redis.Redis]) -> None:
    fails(jobs, f"rediss://127.0.0.1:{tcp[0]}", f"127.0.0.1:{tcp[0]} does not speak TLS. Write redis://")


def test_a_server_with_tls_is_told_from_one_that_is_away(jobs: Jobs, tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("no openssl on PATH")
    key, certificate = tmp_path / "key", tmp_path / "certificate"
    words = f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=h -keyout {key} -out {certificate}"
    subprocess.run([openssl, *words.split()], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def serve() -> None:
            while True:
                try:
                    connection = server.accept()[0]
                except OSError:
                    return
                try:
                    context.wrap_socket(connection, server_side=True).close()
                except OSError:
                    connection.close()

        threading.Thread(target=serve, daemon=True).start()
        fails(jobs, f"redis://127.0.0.1:{port}", f"127.0.0.1:{port} speaks TLS. Write rediss://")
        fails(jobs, f"rediss://127.0.0.1:{port}", f"The certificate of 127.0.0.1:{port} cannot be verified")
        server.shutdown(socket.SHUT_RDWR)


# Connections that the server closes, and calls that block


@pytest.fixture
def tcp(board: Board) -> Iterator[tuple[int, redis.Redis]]:
    """The server of the tests over TCP: its port, and a client that is not one of a board."""
    before = board.client.config_get("port")["port"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    board.client.config_set("port", port)
    with redis.Redis(port=port) as admin:
        yield port, admin
    board.client.config_set("port", before)


@pytest.mark.parametrize("protocol", [2, 3])
def test_no_push_fails_or_is_doubled_when_the_server_has_closed_idle_connections(
    board: Board, tcp: tuple[int, redis.Redis], protocol: int
) -> None:
    port, admin = tcp

    async def use() -> None:
        url = f"redis://127.0.0.1:{port}?protocol={protocol}"
        async with AsyncBoard(board.name, url, validate=False) as found:
            for _ in range(3):
                await asyncio.gather(*(found.push("echo", "x") for _ in range(50)))
                admin.execute_command("CLIENT KILL TYPE normal")  # type: ignore[no-untyped-call]
                assert (await found.count())["jobs"] == 0  # asyncio has not looked at the connection yet
            await asyncio.gather(*(found.push("echo", "x") for _ in range(50)))

    asyncio.run(use())
    assert board.count()["queued"] == 200


def test_a_call_may_block_for_longer_than_an_answer_may_take(board: Board, url: str) -> None:
    with Board(board.name, f"{url}?socket_timeout=0.1", validate=False) as quick:
        task = quick.push("echo", "x", keep=60)
        timer = threading.Timer(0.4, lambda: board.ack(board.pop("echo", lease=30)[0].token))
        timer.start()
        assert quick.wait(task)["what"] == "done"
        timer.join()

    async def use() -> None:
        async with AsyncBoard(board.name, f"{url}?socket_timeout=0.1", validate=False) as same:
            task = await same.push("echo", "x", keep=60)
            timer = threading.Timer(0.4, lambda: board.ack(board.pop("echo", lease=30)[0].token))
            timer.start()
            assert (await same.wait(task))["what"] == "done"
            timer.join()

    asyncio.run(use())


def test_a_worker_waits_for_longer_than_an_answer_may_take(board: Board, url: str) -> None:
    from tests.helpers import runner
    from tests.test_failover import done

    pause = threading.Event()
    with (
        Board(board.name, f"{url}?socket_timeout=0.1", validate=False) as quick,
        working(quick, runner(done)) as (_, log),
    ):
        pause.wait(0.5)
        board.push("test", "x")
        log.wait_for("task.finished")
    assert log.of("trouble") == []


def test_a_renewal_waits_for_a_part_of_the_lease_only(board: Board) -> None:
    client = Board("b", "redis://h", socket_timeout=60).client
    assert [renewal_timeout(client, lease) for lease in (0.6, 30, 3600)] == [0.5, 5.0, 60.0]
    assert renewal_timeout(Board("b", "redis://h?socket_timeout=1").client, 30) == 1.0


def test_help_imports_neither_redis_nor_tls() -> None:
    words = "import sys; from jobs_core.cli import cli; cli(['--help'], standalone_mode=False)"
    shown = "print([name for name in ('redis', 'ssl') if name in sys.modules], file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", f"{words}; {shown}"], capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == "[]"


def test_a_proxy_that_goes_dead_is_heard_of_in_time(board: Board, tcp: tuple[int, redis.Redis]) -> None:
    proxy = Proxy(tcp[0])
    with Board(board.name, f"redis://127.0.0.1:{proxy.port}{QUICK}", validate=False) as through:
        through.push("echo", "x")
        through.count()
        proxy.block()
        with pytest.raises(ServerError, match=rf"127\.0\.0\.1:{proxy.port} did not answer in time"):
            through.push("echo", "x")
        threading.Timer(0.5, proxy.heal).start()
        assert through.count()["queued"] >= 1  # it only reads, so it is repeated
        proxy.block()
        threading.Timer(0.5, proxy.heal).start()
        through.put("a", "echo", "x", every=60)  # and this may run twice

    async def use() -> None:
        url = f"redis://127.0.0.1:{proxy.port}{QUICK}"
        async with AsyncBoard(board.name, url, validate=False) as same:
            await same.count()
            for call in (same.count, lambda: same.put("a", "echo", "x", every=60)):
                proxy.block()
                threading.Timer(0.5, proxy.heal).start()
                await call()

    asyncio.run(use())
    proxy.close()


def test_a_database_that_does_not_exist_is_a_mistake_in_the_url(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch, tcp: tuple[int, redis.Redis]
) -> None:
    port, _ = tcp
    address = f"redis://127.0.0.1:{port}/99"
    monkeypatch.setenv("JOBS_REDIS_URL", address)
    result = jobs("list")
    says = f"The URL of Redis names the database 99, which 127.0.0.1:{port} does not have"
    assert (result.exit_code, says in result.stderr, result.stderr.count("\n")) == (2, True, 1)
    with pytest.raises(OptionError, match=says):
        asyncio.run(AsyncBoard(url=address).count())
    with pytest.raises(OptionError, match=says):
        Board(url=address).put("a", "console", "x")
