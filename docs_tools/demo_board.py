"""Fill a board with the jobs of a small company, and two weeks of what they did."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import Any

from jobs_core import Board, Payload

HOUR, DAY = 3600.0, 86400.0
PAST = 12 * DAY
WORKERS = ("web-1:4711", "web-2:4702")


@dataclass(frozen=True)
class Planned:
    """A job of the demo, and what its past looks like.

    Args:
        took: How many seconds a run takes, about.
        step: How many seconds lie between past runs; 0 for a job that runs after another one.
        notes: What its runs say, in turn.
        failing: How many of its latest runs have failed.
    """

    id: str
    payload: Payload
    options: dict[str, Any]
    took: float
    step: float = 0
    notes: tuple[str, ...] = ("",)
    failing: int = 0
    runner: str = "shell"
    lines: tuple[str, ...] = field(default=("o" + "done",))


ZONE = {"zone": "Europe/Brussels"}
HTTP = {"label": "team=web"}

JOBS = (
    Planned(
        "backup-database", "./backup.sh db-1", {"cron": "30 2 * * *", **ZONE, "label": "team=platform",
        "description": "A copy of db-1 to the other site.", "timeout": "2h", "history": 100},
        1900, DAY, ("41.2 GiB", "41.4 GiB", "41.3 GiB"),
        lines=("ocopying db-1", "o41.2 GiB in 1,893 s", "ochecksum is right"),
    ),
    Planned(
        "backup-files", "./backup.sh /srv/files", {"cron": "0 3 * * *", **ZONE, "label": "team=platform",
        "description": "What customers have uploaded."}, 700, DAY, ("1,204 files", "987 files"),
    ),
    Planned(
        "load-sales", "./load.py sales", {"cron": "0 4 * * *", **ZONE, "label": "team=data", "history": 50,
        "description": "Yesterday's sales, from the shops."}, 260, DAY, ("18,402 rows", "17,911 rows"),
    ),
    Planned("load-stock", "./load.py stock", {"cron": "10 4 * * *", **ZONE, "label": "team=data"}, 140, DAY,
            ("6,120 rows",)),
    Planned("sales-report", "./report.py sales", {"after": ["load-sales", "load-stock"], "label": "team=data",
            "description": "Sales by shop and day, for the morning."}, 95, notes=("24 pages",)),
    Planned("mail-report", "./mail.py sales-report", {"after": ["sales-report"], "label": "team=data"}, 4,
            notes=("31 sent",)),
    Planned("forecast-orders", "./forecast.py", {"after": ["load-sales"], "label": "team=data",
            "policy": "ack"}, 320, notes=("",), failing=0),
    Planned(
        "send-invoices", '{"url": "https://billing.example/run"}',
        {"cron": "*/30 8-18 * * MON-FRI", **ZONE, "label": "team=billing", "policy": "ack", "history": 100,
         "description": "Invoices of orders that have been shipped."},
        6, HOUR, ("12 invoices", "3 invoices", "8 invoices"), failing=3, runner="http",
    ),
    Planned("sync-crm", '{"url": "https://crm.example/sync"}', {"every": 600, **HTTP}, 3, HOUR, ("200",),
            runner="http"),
    Planned("check-certificates", "./certificates.sh", {"cron": "0 7 * * MON", "label": "team=platform"}, 9,
            7 * DAY, ("14 are fine",)),
    Planned("clean-uploads", "find /srv/tmp -mtime +7 -delete", {"every": "6h", "label": "team=web"}, 30, 6 * HOUR),
    Planned("resize-images", "./resize.sh", {"every": "20m", "label": "team=web", "keep": "1d"}, 110, 2 * HOUR,
            ("52 images", "17 images")),
)  # fmt: skip

RUNNING = {
    "resize-images": (64, "33 of 52", ["reading the queue of uploads", "52 images wait",
                                       "resized 0001.jpg to 1600, 800 and 200 pixels",
                                       "resized 0002.jpg to 1600, 800 and 200 pixels", "33 of 52"]),
    "export-orders": (18, "page 9 of 50", ["connected to db-1", "page 9 of 50"]),
}  # fmt: skip
"""Tasks that run now: their progress, note and lines."""


def fill(board: Board, past: float = PAST) -> None:
    """Fill an empty board.

    Args:
        board: The board, which does not validate runners.
        past: How many seconds back the history reaches.
    """
    now = time.time()
    for worker in WORKERS:
        _report(board, worker, now)
    board.commands.call("JLIMIT", "queue", "http", "concurrency", 4)
    for job in JOBS:
        if "after" not in job.options:
            board.put(job.id, job.runner, job.payload, **job.options)
    _run_past(board, now, past)
    for job in JOBS:
        if "after" in job.options:
            board.put(job.id, job.runner, job.payload, **job.options)
    _run_after(board, now)
    board.put("export-orders", "shell", "./export.py orders", keep="1d", label="team=billing",
              description="All orders, for the auditors.")  # fmt: skip
    board.put("archive-orders", "shell", "./archive.py orders", every="1d", start="+1d", label="team=billing")
    board.pause("archive-orders", because="until the auditors are done")
    _run_now(board)
    board.edit("send-invoices", timeout="2m", because="the new gateway is slow")
    for number in range(3):
        board.push("mail", f"customer {number}", at=now - 300 + number)
    board.push("sync-crm", at=now + 900)
    board.tick()


def _report(board: Board, worker: str, now: float) -> None:
    options = {"host": worker.split(":")[0], "pid": worker.split(":")[1], "concurrency": 8, "running": 1,
               "started": now - 2 * DAY, "ticks": 1, "state": "serving"}  # fmt: skip
    words = [word for name, value in options.items() for word in (name, str(value))]
    board.commands.call("JREGISTER", worker, "shell", "http", "--", *words)


def _run_past(board: Board, now: float, past: float) -> None:
    """Run the jobs as they were due, the oldest first."""
    chance = random.Random(7)
    runs = [(now - i * job.step - chance.uniform(60, 900) - job.took, i, job)
            for job in JOBS if job.step for i in range(min(40, int(past / job.step)))]  # fmt: skip
    for due, place, job in sorted(runs, key=lambda run: run[0]):
        _run(board, job, due, place < job.failing or chance.random() < 0.01, place, chance)


def _run(board: Board, job: Planned, due: float, fails: bool, place: int, chance: random.Random) -> None:
    board.push(job.id, now=due)
    (task,) = board.pop(job.runner, lease=9999, worker=chance.choice(WORKERS), now=due + 0.2)
    end = min(due + job.took * chance.uniform(0.8, 1.3), time.time())
    text = "a1\n" + "".join(f"{line}\n" for line in job.lines)
    if fails:
        board.ack(task.token, "dead", now=end, code="504", note="billing.example: the gateway timed out",
                  tail=text + "e504 Gateway Timeout\n")  # fmt: skip
    else:
        board.ack(task.token, now=end, note=job.notes[place % len(job.notes)], tail=text)


def _run_after(board: Board, now: float) -> None:
    """Run the nightly chain once more, so that the jobs after it run, too."""
    for id in ("load-sales", "load-stock"):
        board.push(id)
    notes = {job.id: job.notes[0] for job in JOBS}
    while tasks := board.pop("shell", count=10, lease=60, worker=WORKERS[0]):
        for task in tasks:
            board.ack(task.token, note=notes[task.job], tail="a1\nodone\n")


def _run_now(board: Board) -> None:
    for worker, (id, (progress, note, lines)) in zip(WORKERS, RUNNING.items(), strict=True):
        board.push(id)
        (task,) = board.pop("shell", lease=3600, worker=worker)
        board.ack(task.token, "update", progress=progress, note=note)
        words = [word for line in lines for word in ("stdout", line)]
        board.commands.call("JOUTPUT", task.token, *words)
