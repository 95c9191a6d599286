"""Stop Redis again and again while a worker and a clock have work: no task may be lost, and no run stopped
without need.

    python -m torture.outages --minutes 120

The worker runs commands of 0.1 to 40 seconds. Redis is stopped with SIGSTOP for 1 to 60 seconds, at random.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from jobs_core import Board, ServerError
from torture.servers import Server

JOBS = Path(sys.executable).with_name("jobs")

LEASE = 30.0
SPARE = LEASE * 2 / 3 - min(LEASE / 4, 10.0)
"""Seconds of an outage that a run survives, however long ago its lease was last renewed."""

SLOTS = 20
SHORTEST, LONGEST = 1.0, 60.0
"""Seconds of an outage."""

PATIENCE = 180.0
"""Seconds to wait for the last tasks to end."""


@dataclass(slots=True)
class Findings:
    """The result of a run. `wrong` has a sentence for each violation."""

    pushed: int = 0
    outages: list[tuple[float, float]] = field(default_factory=list)
    """When each outage began and ended, in epoch seconds."""
    stopped: list[float] = field(default_factory=list)
    """When runs were stopped because their lease could not be renewed."""
    ledger: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


@click.command()
@click.option("--minutes", type=float, default=120.0, show_default=True)
@click.option("--seed", help="Repeat the outages of a run with this seed (default: the time).")
def main(minutes: float, seed: str | None) -> None:
    """Stop Redis for 1 to 60 seconds at random. Prints one JSON object; exits with 1 on a violation."""
    seed = seed or f"{time.time():.0f}"
    with tempfile.TemporaryDirectory(prefix="outages-") as name:
        found = run(Path(name), minutes * 60, random.Random(seed))
    lengths = [end - begin for begin, end in found.outages]
    summary = {
        "outages": len(lengths),
        "longest": round(max(lengths, default=0)),
        "away": round(sum(lengths)),
    }
    counts = {"seed": seed, "minutes": minutes, "pushed": found.pushed, "stopped": len(found.stopped)}
    click.echo(json.dumps(counts | summary | {"ledger": found.ledger, "wrong": found.wrong}))
    sys.exit(1 if found.wrong else 0)


def run(folder: Path, seconds: float, chance: random.Random) -> Findings:
    """Run in an empty folder."""
    found = Findings()
    server = Server(folder / "server")
    server.start()
    url = f"redis://127.0.0.1:{server.port}"
    logs = [folder / "worker.log", folder / "clock.log"]
    worker = ("run", "--runner", "shell", "--no-tick", "--lease", f"{LEASE:g}", "--concurrency", str(SLOTS))
    processes = [_start(url, logs[0], *worker, "--log", "json"), _start(url, logs[1], "tick")]
    try:
        ends = time.monotonic() + seconds
        feeder = threading.Thread(target=_feed, args=(url, ends, random.Random(chance.random()), found))
        feeder.start()
        while time.monotonic() < ends:
            time.sleep(chance.uniform(5, 60))
            found.outages.append(_stop_for_a_while(server, chance.uniform(SHORTEST, LONGEST)))
        feeder.join()
        with Board("jobs", url) as board:
            _wait_until_idle(board)
            found.ledger = board.stats()
        _check(found, list(_events(logs[0])))
    finally:
        for process in processes:
            process.terminate()
            process.wait()
        server.kill()
    return found


def _start(url: str, log: Path, *words: str) -> subprocess.Popen[bytes]:
    with log.open("wb") as file:
        return subprocess.Popen([JOBS, *words, "--url", url], stdout=file, stderr=file)


def _stop_for_a_while(server: Server, seconds: float) -> tuple[float, float]:
    server.pause()
    began = time.time()
    time.sleep(seconds)
    server.go_on()
    return began, time.time()


def _feed(url: str, ends: float, chance: random.Random, found: Findings) -> None:
    """Keep about as many tasks waiting as the worker has slots. Count those that Redis acknowledged."""
    with Board("jobs", url, validate=False) as board:
        while time.monotonic() < ends:
            try:
                while board.count()["queued"] < SLOTS:
                    seconds = chance.choice((0.1, 0.5, 2.0, 10.0, 40.0))
                    board.push("shell", f"sleep {seconds}")
                    found.pushed += 1
            except ServerError:
                pass
            time.sleep(0.5)


def _wait_until_idle(board: Board) -> None:
    deadline = time.monotonic() + PATIENCE
    while board.stats()["in_flight"] and time.monotonic() < deadline:
        time.sleep(0.5)


def _events(log: Path) -> Iterator[dict[str, Any]]:
    for line in log.read_text().splitlines():
        if line.startswith("{"):
            yield json.loads(line)


def _check(found: Findings, events: list[dict[str, Any]]) -> None:
    ledger = found.ledger
    # `stale` may count: a report whose reply was lost is sent again, and then its token holds nothing.
    for name in ("lost", "doubled", "failed", "dead", "in_flight"):
        if ledger[name]:
            found.wrong.append(f"{name} is {ledger[name]}")
    if ledger["done"] < found.pushed:
        found.wrong.append(f"{found.pushed} tasks were acknowledged, but only {ledger['done']} are done")
    for event in events:
        if "has not confirmed its lease" in str(event.get("note")):
            _check_stop(found, event)


def _check_stop(found: Findings, event: dict[str, Any]) -> None:
    """A run may be stopped only in an outage that its lease does not allow, or right after it."""
    at = float(event["time"])
    found.stopped.append(at)
    longest = max((min(at, end) - begin for begin, end in found.outages if begin < at < end + 5), default=0.0)
    if longest < SPARE:
        found.wrong.append(f"a run was stopped in an outage of {longest:.1f} s: {event.get('task')}")


if __name__ == "__main__":
    main()
