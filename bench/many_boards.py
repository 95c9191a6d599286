"""What many idle boards cost: one worker that serves all of them, beside a worker for each."""

from __future__ import annotations

import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench.harness import Result, empty, open_board
from jobs_core import Board, Outcome, Runner, Worker

BOARDS = 100
SETTLE, IDLE = 3.0, 20.0
"""Seconds that workers have to settle, and seconds that they are then measured."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What an idle worker costs: seconds of CPU, and commands, per second; and its memory in MB."""

    worker: float
    server: float
    commands: float
    memory: float


def measure(board: Board, url: str) -> Iterator[Result]:
    """Measure one worker of all boards. The floor is a worker of one board, times the number of boards."""
    empty(board)
    alone = _measure(url, 1)
    empty(board)
    shared = _measure(url, BOARDS)
    name = f"{BOARDS} idle boards, one worker"
    yield Result(f"{name}: its CPU", 100 * shared.worker, "% of a core", 100 * BOARDS * alone.worker)
    yield Result(f"{name}: CPU of Redis", 100 * shared.server, "% of a core", 100 * BOARDS * alone.server)
    yield Result(f"{name}: commands", shared.commands, "a second", BOARDS * alone.commands)
    yield Result(f"{name}: memory", shared.memory, "MB", BOARDS * alone.memory)


def _measure(url: str, boards: int) -> Cost:
    """Run a worker in a process of its own."""
    command = [sys.executable, "-m", "bench.many_boards", url, str(boards)]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=120)
    worker, server, commands, memory = map(float, ended.stdout.split())
    return Cost(worker / IDLE, server / IDLE, commands / IDLE, memory)


def run_idle(url: str, count: int) -> tuple[float, ...]:
    """Run a worker while nothing is due. Returns CPU seconds of it and of Redis, commands, and MB."""
    first = open_board(url)
    others = [Board(f"bench-{number}", client=first.client) for number in range(1, count)]
    for board in (first, *others):
        board.put("later", "console", "x", start="+1h", every="1h")
    worker = Worker([first, *others], [Runner("noop", lambda task, context: Outcome.done())])
    thread = threading.Thread(target=worker.run)
    thread.start()
    time.sleep(SETTLE)
    began = time.process_time(), *_server(first)
    time.sleep(IDLE)
    ended = time.process_time(), *_server(first)
    if not thread.is_alive():
        raise RuntimeError("the worker ended by itself")
    worker.stop()
    thread.join()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return (*(after - before for before, after in zip(began, ended, strict=True)), memory)


def _server(board: Board) -> tuple[float, int]:
    """Return the CPU seconds of Redis, and how many commands clients have sent."""
    used, calls = board.client.info("cpu"), board.client.info("commandstats")
    names = ("fcall", "fcall_ro", "blpop")  # functions run none of these
    sent = sum(int(calls.get(f"cmdstat_{name}", {}).get("calls", 0)) for name in names)
    return float(used["used_cpu_user"] + used["used_cpu_sys"]), sent


if __name__ == "__main__":
    print(*run_idle(sys.argv[1], int(sys.argv[2])))
