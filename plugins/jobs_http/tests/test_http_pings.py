"""Pings to monitors: of runs, and of the board as a whole."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from jobs_http.pings import ping_url, run_id

from jobs_core import Board, Context, Outcome, Plugins, Runner, Task
from jobs_core.testing import EmbeddedServer, cli, make_task
from tests.conftest import jobs as jobs
from tests.helpers import Jobs, jobs_process, runner, wait_until, working


@pytest.fixture(autouse=True)
def allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBS_HTTP_ALLOW", "loopback")


@pytest.fixture
def monitor(target: Any) -> Any:
    """A server that answers every ping with 200."""
    target.routes["/hc/one"] = target.routes["/hc/one/start"] = target.routes["/hc/one/fail"] = lambda one: (
        one.reply(200)
    )
    return target


def paths(server: Any) -> list[str]:
    return [urlsplit(seen.path).path for seen in server.seen]


def rids(server: Any) -> list[str]:
    return [parse_qs(urlsplit(seen.path).query)["rid"][0] for seen in server.seen]


def saying(*outcomes: Outcome) -> Runner:
    """A runner that prints a line, and returns one of these outcomes after another."""
    left = list(outcomes)

    def run(task: Task, context: Context) -> Outcome:
        context.line(f"attempt {task.attempt}")
        return left.pop(0)

    return runner(run)


def test_a_run_pings_its_start_and_its_success(board: Board, monitor: Any) -> None:
    id = board.push("test", "x", ping=monitor.url("/hc/one?create=1"))
    with working(board, saying(Outcome.done("fine"))):
        wait_until(lambda: len(monitor.seen) == 2)
    assert paths(monitor) == ["/hc/one/start", "/hc/one"]
    assert [seen.method for seen in monitor.seen] == ["GET", "GET"]
    assert [parse_qs(urlsplit(seen.path).query)["create"] for seen in monitor.seen] == [["1"], ["1"]]
    (task,) = [make_task(runner(lambda task, context: Outcome.done()), "x", id=id)]
    assert rids(monitor) == [run_id(board.name, task)] * 2
    for seen in monitor.seen:
        assert not {"jobs-token", "jobs-parents", "webhook-signature", "authorization"} & seen.headers.keys()


def test_a_failure_has_the_note_and_the_last_lines(board: Board, monitor: Any) -> None:
    board.push("test", "x", ping=monitor.url("/hc/one"))
    with working(board, saying(Outcome.failed("exit 3", code="3"))):
        wait_until(lambda: len(monitor.seen) == 2)
    assert paths(monitor) == ["/hc/one/start", "/hc/one/fail"]
    assert (monitor.seen[1].method, monitor.seen[1].body) == ("POST", b"exit 3\n\nattempt 1")


def test_a_retry_pings_the_start_again_and_only_the_end_of_the_run_ends_it(
    board: Board, monitor: Any
) -> None:
    board.push("test", "x", ping=monitor.url("/hc/one"), attempts=2, backoff=0.01)
    with working(board, saying(Outcome.failed("exit 3", code="3"), Outcome.done())):
        wait_until(lambda: len(monitor.seen) == 3)
    assert paths(monitor) == ["/hc/one/start", "/hc/one/start", "/hc/one"]
    assert len(set(rids(monitor))) == 1
    assert len({seen.headers["idempotency-key"] for seen in monitor.seen}) == 3


def test_a_cancelled_run_pings_no_end(board: Board, monitor: Any) -> None:
    def wait(task: Task, context: Context) -> Outcome:
        context.cancelled.wait(30)
        return context.stop_outcome()

    id = board.push("test", "x", ping=monitor.url("/hc/one"))
    with working(board, runner(wait)) as (_, log):
        log.wait_for("task.started")
        board.cancel(id)
        log.wait_for("task.cancelled")
    assert paths(monitor) == ["/hc/one/start"]


def test_a_lost_run_that_is_given_up_pings_its_failure(board: Board, monitor: Any) -> None:
    board.push("test", "x", ping=monitor.url("/hc/one"), attempts=1)
    board.pop("test", lease=0.01, worker="dead")
    with working(board, saying()) as (_, log):
        log.wait_for("task.lost")
    assert paths(monitor) == ["/hc/one/fail"]
    assert monitor.seen[0].body == b"its worker fell silent"


def test_a_ping_is_tried_again(board: Board, monitor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs_http.pinger.DELAYS", (0.0, 0.0))
    answers = [503, 500, 200, 200]
    for path in ("/hc/one", "/hc/one/start"):
        monitor.routes[path] = lambda handler: handler.reply(answers.pop(0))
    board.push("test", "x", ping=monitor.url("/hc/one"))
    with working(board, saying(Outcome.done())) as (_, log):
        wait_until(lambda: len(monitor.seen) == 4)
    assert paths(monitor) == ["/hc/one/start"] * 3 + ["/hc/one"]
    assert len({seen.headers["idempotency-key"] for seen in monitor.seen}) == 2
    assert log.of("trouble") == []


def test_a_monitor_that_does_not_answer_holds_up_nothing_and_is_told_once(
    board: Board, monitor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs_http.pinger.CLOSING", 0.1)
    monitor.routes["/hc/one/start"] = monitor.hang
    board.put("slow", "test", "s3cret", ping=monitor.url("/hc/one"))
    board.put("gone", "test", "s3cret", ping=monitor.url("/gone/t0ken"))
    monitor.route("/gone/t0ken/start", 404)
    monitor.route("/gone/t0ken", 404)
    for _ in range(3):
        board.push("slow")
        board.push("gone")
    with working(board, saying(*[Outcome.done()] * 6)) as (_, log):
        log.wait_for("task.finished", 6)
        (trouble,) = log.wait_for("trouble")
        wait_until(lambda: paths(monitor).count("/gone/t0ken") == 3)
    assert trouble.data["note"].startswith("cannot ping the monitor of the job 'gone': HTTP 404 Not Found")
    assert sum("'gone'" in event.data["note"] for event in log.of("trouble")) == 1
    assert board.stats()["done"] == 6


def test_the_address_rules_of_the_worker_hold(
    board: Board, monitor: Any, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JOBS_HTTP_ALLOW")
    result = jobs("put", "a", "console", "x", "--ping", monitor.url("/hc/one"))
    refusal = (
        "127.0.0.1 is a loopback address, and only public ones may be called. "
        "Allow it on the worker: JOBS_HTTP_ALLOW=127.0.0.1"
    )
    assert (result.exit_code, result.stderr) == (0, f"warning: ping: {refusal}\n")
    board.push("a")
    with working(board, board.plugins.runner("console")) as (_, log):
        (trouble,) = log.wait_for("trouble")
    assert trouble.data["note"] == f"cannot ping the monitor of the job 'a': {refusal}"
    assert monitor.seen == []


@pytest.mark.parametrize(
    "bad", ["ftp://example.com/x", "example.com", "https://", "https://a b", "http://[::1"]
)
def test_a_url_that_cannot_be_pinged_is_refused(jobs: Jobs, board: Board, bad: str) -> None:
    result = jobs("put", "a", "shell", "x", "--ping", bad)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ping: ")
    assert bad not in result.stderr.removeprefix("Error: ping: expected http:// or https://")


def test_the_option_is_kept_and_can_be_removed(jobs: Jobs, board: Board, url: str) -> None:
    assert jobs("put", "a", "shell", "x", "--ping", "https://hc-ping.com/1").exit_code == 0
    assert board.show("a")["ping"] == "https://hc-ping.com/1"
    assert jobs("edit", "a", "--unset", "ping").exit_code == 0
    assert "ping" not in board.show("a")


def test_a_worker_without_the_plugin_says_so_once(board: Board, url: str) -> None:
    lacking = Board(board.name, url, plugins=Plugins(), validate=False)
    for _ in range(2):
        lacking.push("test", "x", ping="https://hc-ping.com/1")
    with working(lacking, saying(Outcome.done(), Outcome.done())) as (_, log):
        log.wait_for("task.finished", 2)
    assert [event.data["note"] for event in log.of("trouble")] == [
        "this worker does not ping the URLs that jobs have as `ping`: install jobs-http"
    ]
    lacking.client.close()


def test_without_the_plugin_putting_warns(url: str, board: Board, tmp_path: Path) -> None:
    process = jobs_process(
        *("put", "a", "console", "x", "--ping", "https://hc-ping.com/1"),
        path=tmp_path,
        JOBS_REDIS_URL=url,
        JOBS_BOARD=board.name,
        JOBS_DISABLE_PLUGINS="http",
    )
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert err == "warning: ping: workers need the plugin jobs-http to ping it, which is not installed here\n"


@pytest.mark.parametrize(
    ("base", "end", "expected"),
    [
        ("https://hc.example/abc", "", "https://hc.example/abc?rid=d0b9"),
        ("https://hc.example/abc/", "/start", "https://hc.example/abc/start?rid=d0b9"),
        (
            "https://u:p@hc.example/abc?create=1#x",
            "/fail",
            "https://u:p@hc.example/abc/fail?create=1&rid=d0b9",
        ),
        ("https://hc.example", "/start", "https://hc.example/start?rid=d0b9"),
    ],
)
def test_urls(base: str, end: str, expected: str) -> None:
    assert ping_url(base, end, "d0b9") == expected


# The board as a whole


class Beats:
    """Counts the pings of a monitor."""

    def __init__(self, monitor: Any) -> None:
        self._monitor = monitor

    def go_on(self) -> None:
        """Wait for three more."""
        before = len(self._monitor.seen)
        wait_until(lambda: len(self._monitor.seen) >= before + 3)

    def have_stopped(self) -> None:
        """Wait until none comes for three of their intervals."""
        pause = threading.Event()
        for _ in range(20):
            before = len(self._monitor.seen)
            pause.wait(3.5)
            if len(self._monitor.seen) == before:
                return
        raise AssertionError("it goes on")


@pytest.fixture
def start(monitor: Any, tmp_path: Path) -> Any:
    """Start a worker in a process of its own that pings every second: start(url, "--no-tick")."""
    processes = []

    def run(url: str, *words: str, **environment: str) -> Any:
        process = jobs_process(
            *("run", "--runner", "console", *words),
            path=tmp_path,
            **{"JOBS_REDIS_URL": url, "JOBS_PING_EVERY": "1", **environment},
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate()


def test_the_board_is_pinged_while_a_worker_lives(
    url: str, board: Board, monitor: Any, start: Callable[..., Any]
) -> None:
    beats, address = Beats(monitor), monitor.url("/hc/one")
    first = start(url, "--ping", address, "--board", board.name)
    second = start(url, "--board", board.name, JOBS_PING=address)
    beats.go_on()
    first.kill()
    beats.go_on()
    second.kill()
    beats.have_stopped()
    start(url, "--ping", address, "--board", board.name)
    beats.go_on()
    assert set(paths(monitor)) == {"/hc/one"}


def test_the_board_is_not_pinged_while_redis_is_away(
    monitor: Any, start: Callable[..., Any], tmp_path: Path
) -> None:
    beats = Beats(monitor)
    (tmp_path / "data").mkdir()
    with EmbeddedServer(tmp_path / "data") as server:
        process = start(server.url, JOBS_PING=monitor.url("/hc/one"))
        beats.go_on()
    beats.have_stopped()
    assert process.poll() is None
    with EmbeddedServer(tmp_path / "data"):
        beats.go_on()


@pytest.mark.parametrize(
    ("words", "environment", "says"),
    [
        (("--ping", "hc.example"), {}, "ping: expected http:// or https:// and a host"),
        (("--ping", "https://hc.example", "--no-tick"), {}, "--ping: a worker pings after its own ticks"),
        (("--ping", "https://hc.example"), {"JOBS_PING_EVERY": "0"}, "ping_every: expected at least 1"),
        (
            ("--ping", "https://hc.example"),
            {"JOBS_DISABLE_PLUGINS": "http"},
            "no plugin here has the setting 'ping': install jobs-http, or enable it",
        ),
    ],
)
def test_mistakes_keep_the_worker_from_starting(
    url: str, start: Callable[..., Any], words: tuple[str, ...], environment: dict[str, str], says: str
) -> None:
    process = start(url, *words, **environment)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert says in err and "Traceback" not in err


def test_the_url_is_not_shown(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBS_PING", "https://hc-ping.com/t0ken")
    assert "ping" in cli.commands["run"].get_help(cli.make_context("jobs", ["run"]))
    assert "t0ken" not in jobs("settings").output
