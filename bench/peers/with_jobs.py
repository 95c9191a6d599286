"""Jobs itself: tasks pushed in bulk, and a worker process whose runner does nothing."""

from __future__ import annotations

import peer

from jobs_core import Board, Context, Outcome, Runner, Task, Worker
from jobs_core.errors import JobsError


def run(task: Task, context: Context) -> Outcome:
    """Do nothing."""
    peer.called(str(task.payload))
    return Outcome.done()


def push(url: str, count: int, line: str, processes: int) -> None:
    """Push tasks without a schedule."""
    for reply in Board("bench", url).push_many({"runner": "noop", "payload": line} for _ in range(count)):
        if isinstance(reply, JobsError):
            raise reply


def late(url: str, times: list[float]) -> None:
    """Put a job for each time."""
    board = Board("bench", url)
    for number, due in enumerate(times):
        board.put(f"late-{number}", "noop", repr(due), at=due)


def work(url: str, concurrency: int, index: int, mode: str) -> None:
    """Serve the runner until a signal."""
    worker = Worker(Board("bench", url), [Runner("noop", run)], concurrency=concurrency)
    peer.ready()
    worker.run_until_signal()
    peer.ended()


if __name__ == "__main__":
    peer.main(push, late, work)
