"""A primary and a replica that change roles behind one address: nobody stays with the demoted server."""

from __future__ import annotations

import asyncio
import logging
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis

from jobs_core import AsyncBoard, Board, Context, DeniedError, Outcome, ServerError, Task
from jobs_core.engine.commands import Commands
from tests.helpers import runner, wait_until, working
from torture.proxy import Proxy

pytestmark = pytest.mark.skipif(not shutil.which("redis-server"), reason="no redis-server on PATH")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Pair:
    """Two servers, the second a replica of the first, and the address that leads to the primary."""

    def __init__(self, folder: Path) -> None:
        self.ports = [free_port(), free_port()]
        self._processes = [self._start(port, folder) for port in self.ports]
        self.clients = [redis.Redis(port=port, decode_responses=True) for port in self.ports]
        for client in self.clients:
            wait_until(lambda client=client: answers(client))  # type: ignore[misc]
        self.clients[1].replicaof("127.0.0.1", str(self.ports[0]))
        wait_until(lambda: self.clients[1].info("replication")["master_link_status"] == "up")
        wait_until(lambda: self.clients[0].info("replication").get("slave0", {}).get("state") == "online")
        self.proxy = Proxy(self.ports[0])
        self.url = f"redis://127.0.0.1:{self.proxy.port}"

    def demote(self) -> None:
        """Exchange the roles. The address still leads to the demoted server."""
        self.clients[0].execute_command("FAILOVER")  # type: ignore[no-untyped-call]
        wait_until(lambda: self.clients[1].info("replication")["role"] == "master")
        wait_until(lambda: self.clients[0].info("replication")["role"] == "slave")

    def lead_to_primary(self) -> None:
        """Let new connections reach the new primary. Open ones stay with the demoted server."""
        self.proxy.lead_to(self.ports[1])

    def close(self) -> None:
        self.proxy.close()
        for client, process in zip(self.clients, self._processes, strict=True):
            client.close()
            process.kill()
            process.wait()

    def _start(self, port: int, folder: Path) -> subprocess.Popen[bytes]:
        options = {"port": str(port), "save": "", "dir": str(folder), "repl-diskless-sync-delay": "0"}
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        return subprocess.Popen(["redis-server", *words], stdout=subprocess.DEVNULL)


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with closing(Pair(tmp_path)) as found:
        yield found


def later(function: object, seconds: float = 0.3) -> threading.Timer:
    timer = threading.Timer(seconds, function)  # type: ignore[arg-type]
    timer.start()
    return timer


def done(task: Task, context: Context) -> Outcome:
    context.line(f"ran {task.raw}")
    return Outcome.done()


def test_workers_clocks_and_followers_move_to_the_new_primary(
    pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    gate = threading.Event()

    def run(task: Task, context: Context) -> Outcome:
        if task.raw == "slow":
            gate.wait(30)
        return done(task, context)

    with Board("b", pair.url, validate=False) as board, working(board, runner(run)) as (_, log):
        slow = board.push("test", "slow", keep=60)
        log.wait_for("task.started")
        ended: list[str] = []
        waiting = threading.Thread(target=lambda: ended.append(board.wait(slow)["what"]))
        following = threading.Thread(
            target=lambda: ended.extend(
                str(e.get("line") or e["what"]) for e in board.output(slow, follow=True)
            )
        )
        for thread in (waiting, following):
            thread.start()
        pair.demote()
        log.wait_for("trouble")
        pair.lead_to_primary()
        gate.set()
        log.wait_for("task.finished")
        for thread in (waiting, following):
            thread.join(30)
        assert {"done", "ran slow"} <= set(ended)
        board.put("often", "test", "tick", every=0.1, repeat=2)  # the clock of the worker moved, too
        log.wait_for("task.finished", 3)
        board.push("test", "x")  # and what wakes it
        log.wait_for("task.finished", 4)
        log.wait_for("recovered")
        assert [len(log.of(kind)) for kind in ("trouble", "recovered")] == [1, 1]
        assert log.of("recovered")[0].data["note"].startswith(f"127.0.0.1:{pair.proxy.port} serves again")
    assert pair.clients[1].llen("{b}:queue:test") == 0


def test_a_call_is_made_again_until_the_address_leads_to_the_primary(pair: Pair) -> None:
    with Board("b", pair.url, validate=False) as board:
        board.push("echo", "1")
        pair.demote()
        timer = later(pair.lead_to_primary)
        board.push("echo", "2")
        results = list(board.push_many({"runner": "echo", "payload": str(n)} for n in range(3, 1001)))
        timer.join()
        assert all(isinstance(result, str) for result in results)
        assert board.count()["queued"] == 1000
    assert pair.clients[1].llen("{b}:queue:echo") == 1000


def test_a_stream_that_is_under_way_goes_on_at_the_new_primary(pair: Pair) -> None:
    with Board("b", pair.url, validate=False) as board:

        def tasks() -> Iterator[dict[str, str]]:
            for number in range(2000):
                if number == 700:
                    pair.demote()
                    pair.lead_to_primary()
                yield {"runner": "echo", "payload": str(number)}

        assert all(isinstance(result, str) for result in board.push_many(tasks()))
        wait_until(lambda: board.count()["queued"] == 2000)


def test_an_asyncio_client_moves_too(pair: Pair) -> None:
    async def use() -> None:
        async with AsyncBoard("b", pair.url, validate=False) as board:
            await asyncio.gather(*(board.push("echo", str(n)) for n in range(20)))
            await asyncio.to_thread(pair.demote)
            timer = later(pair.lead_to_primary)
            await asyncio.gather(*(board.push("echo", str(n)) for n in range(20)))
            timer.join()
            assert (await board.count())["queued"] == 40

    asyncio.run(use())


def test_where_no_primary_appears_the_error_names_the_address(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs_core.engine.connections.RETRY_FOR", 0.5)
    with Board("b", pair.url, validate=False) as board:
        board.push("echo", "1")
        pair.demote()
        with pytest.raises(DeniedError, match=rf"^127.0.0.1:{pair.proxy.port} is a read-only replica"):
            board.push("echo", "2")


def test_a_connection_that_breaks_is_made_again_before_the_next_call(pair: Pair) -> None:
    with Board("b", pair.url, validate=False) as board:
        board.push("echo", "1")
        port = pair.ports[0]
        pair.proxy.redirect(free_port())  # nobody serves there
        timer = later(lambda: pair.proxy.redirect(port), 0.6)
        assert board.count()["queued"] == 1
        assert [job["id"] for job in board.list()] == []
        board.push("echo", "2")
        timer.join()
        assert board.count()["queued"] == 2


def test_a_change_whose_reply_was_lost_is_not_made_again(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    with Board("b", pair.url, validate=False) as board:
        board.push("echo", "1")
        board.count()  # the library is known to be there
        receive = Commands.receive

        def cut(self: Commands, connection: object, calls: list[tuple[str, list[str]]]) -> object:
            wait_until(lambda: pair.clients[0].llen("{b}:queue:echo") == 2)
            pair.proxy.cut()
            return receive(self, connection, calls)

        monkeypatch.setattr(Commands, "receive", cut)
        pair.proxy.mute()
        with pytest.raises(ServerError, match=r"^cannot reach Redis at 127\.0\.0\.1:\d+ \("):
            board.push("echo", "2")
    assert pair.clients[0].llen("{b}:queue:echo") == 2


def test_a_clock_outlives_any_number_of_outages(pair: Pair) -> None:
    from jobs_core.worker.wake import WakeKey

    with Board("b", pair.url, validate=False) as board:
        board.count()
        key = WakeKey(board.commands, board.keys.wake)
        for _ in range(120):  # more than the pool of redis-py may make
            assert not key.wait(0.0001)
            key.close()
