"""The page: how long the server takes for each view, and what 200 open pages cost it and a worker."""

from __future__ import annotations

import re
import selectors
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import httpx

from bench.harness import Result, empty, lines, put_all, seconds
from jobs_core import Board, Outcome, Runner, Worker

VIEWS = {
    "overview": "/",
    "jobs": "/jobs",
    "jobs by label": "/jobs?label=team%3Dpayments",
    "jobs by id": "/jobs?text=job-77",
    "a job": "/job?id=job-77",
}
ROUNDS = 9
PAGES, WATCHED, TASKS = 200, 10.0, 5000
"""Open pages, seconds for which they are watched, and tasks that run meanwhile."""


def measure(board: Board, count: int, url: str) -> Iterator[Result]:
    """Measure views of a board, and then open pages. The floor of a view is a request that reads no board."""
    empty(board)
    put_all(board, lines(count - 100, start="+1h"))
    put_all(board, [line.replace("job-", "paid-") for line in lines(100, start="+1h", label="team=payments")])
    with _server(board.name, url) as (process, address):
        with httpx.Client(base_url=address, timeout=60) as client:
            yield from _views(client, count)
        before = _rate(board)
        with _open(address):
            cpu, started = _cpu(process.pid), time.monotonic()
            during = _rate(board)
            time.sleep(max(0.0, started + WATCHED - time.monotonic()))
            used = (_cpu(process.pid) - cpu) / (time.monotonic() - started)
            yield Result(f"{PAGES} open pages: CPU of the server", 100 * used, "% of a core")
            yield Result(f"{PAGES} open pages: memory of the server", _memory(process.pid), "MB")
        yield Result(f"tasks of a worker while {PAGES} pages are open", during, "tasks/s", before)


def _views(client: httpx.Client, count: int) -> Iterator[Result]:
    floor = _best(client, "/healthz")
    for name, path in VIEWS.items():
        size = len(client.get(path).raise_for_status().content) / 1000
        what = f"{name} of {count:,} jobs ({size:.0f} kB)"
        yield Result(what, _best(client, path), "ms", floor, "< 200 ms")


def _best(client: httpx.Client, path: str) -> float:
    return 1000 * min(seconds(lambda: client.get(path).raise_for_status()) for _ in range(ROUNDS))


def _page(number: int) -> str:
    """Return one of many pages: half of them are the overview, the others differ."""
    return "/" if number % 2 else f"/jobs?text=job-{number}" if number % 4 else f"/job?id=job-{number}"


@contextmanager
def _server(board: str, url: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    words = ["web", "--open", "--port", "0", "--board", board, "--url", url]
    command = [sys.executable, "-c", "from jobs_core.cli import main; main()", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = re.search(r"http://[^\s/]+", process.stdout.readline())
        try:
            if address is None:
                raise RuntimeError("jobs web did not say where it is")
            yield process, address[0]
        finally:
            process.terminate()


@contextmanager
def _open(address: str) -> Iterator[None]:
    """Open the pages in a process of their own."""
    command = [sys.executable, "-m", "bench.web", address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield
            if process.poll() is not None:
                raise RuntimeError("the server closed a stream")
        finally:
            process.terminate()


def watch(address: str) -> None:
    """Watch pages as browsers do, each on a connection of its own, and read what they are sent."""
    host, port = address.removeprefix("http://").split(":")
    selector = selectors.DefaultSelector()
    for number in range(PAGES):
        connection = socket.create_connection((host, int(port)))
        target = f"/live?on={quote(_page(number), safe='')}"
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        selector.register(connection, selectors.EVENT_READ, connection)
    print("ready", flush=True)
    while all(key.data.recv(1 << 16) for key, _ in selector.select()):
        pass


def _rate(board: Board) -> float:
    """Return how many tasks a second a worker runs."""
    tasks = ({"runner": "noop", "payload": "x"} for _ in range(TASKS))
    list(board.push_many(tasks))
    done = threading.Event()
    left = iter(range(TASKS - 1, -1, -1))

    def run(*_: object) -> Outcome:
        if next(left) == 0:
            done.set()
        return Outcome.done()

    worker = Worker(board, [Runner("noop", run)])
    thread = threading.Thread(target=worker.run)
    started = time.perf_counter()
    thread.start()
    done.wait()
    taken = time.perf_counter() - started
    worker.stop()
    thread.join()
    return TASKS / taken


def _cpu(pid: int) -> float:
    """Return the CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def _memory(pid: int) -> float:
    """Return the memory of a process in MB."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1000 if found else 0.0


if __name__ == "__main__":
    watch(sys.argv[1])
