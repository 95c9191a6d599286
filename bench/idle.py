"""CPU use of a worker while nothing is due on a board of many jobs."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator

from bench.harness import Result, empty, lines, open_board, put_all
from jobs_core import Board, Outcome, Runner, Worker

SETTLE, IDLE = 1.0, 5.0
"""Seconds that a worker has to settle, and seconds that it is then measured."""


def measure(board: Board, count: int, url: str) -> Iterator[Result]:
    """Measure the CPU use of a worker in a separate process, and of Redis meanwhile."""
    empty(board)
    put_all(board, lines(count, start="+1h"))
    command = [sys.executable, "-m", "bench.idle", url]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=60)
    worker, server = map(float, ended.stdout.split())
    yield Result("CPU of an idle worker", 100 * worker / IDLE, "% of a core", None, "practically none")
    yield Result("CPU of Redis meanwhile", 100 * server / IDLE, "% of a core", None, "practically none")


def run_idle(url: str) -> tuple[float, float]:
    """Run the worker. Returns the CPU seconds that it and Redis used."""
    board = open_board(url)
    worker = Worker(board, [Runner("noop", lambda task, context: Outcome.done())])
    thread = threading.Thread(target=worker.run)
    thread.start()
    time.sleep(SETTLE)
    server, own = _server_cpu(board), time.process_time()
    time.sleep(IDLE)
    used = time.process_time() - own, _server_cpu(board) - server
    if not thread.is_alive():
        raise RuntimeError("the worker ended by itself")
    worker.stop()
    thread.join()
    return used


def _server_cpu(board: Board) -> float:
    used = board.client.info("cpu")
    return float(used["used_cpu_user"] + used["used_cpu_sys"])


if __name__ == "__main__":
    print(*run_idle(sys.argv[1]))
