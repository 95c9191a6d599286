"""Fill a board with the jobs of a small company, and with what they did in the last days, on virtual time."""

from __future__ import annotations

import heapq
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jobs_core import Board, Payload, Task

DAY, STEP = 86400, 600
WORKERS = ("web-1:4711", "web-2:4702")
LEASE = 4 * 3600


@dataclass(frozen=True)
class Planned:
    """A job of the demo, and how its runs go.

    Args:
        took: How many seconds a run takes, about.
        notes: What its runs say, in turn.
        fails: Whether its runs of the last hours fail.
    """

    id: str
    payload: Payload
    options: Mapping[str, Any]
    took: float
    notes: tuple[str, ...] = ("",)
    lines: tuple[str, ...] = ("done",)
    runner: str = "shell"
    fails: bool = False


ZONE = {"zone": "Europe/Brussels"}

JOBS = (
    Planned(
        "backup-database", "./backup.sh db-1",
        {"cron": "30 2 * * *", **ZONE, "label": "team=platform", "timeout": "2h", "history": 100,
         "description": "A copy of db-1 to the other site."},
        1900, ("41.2 GiB", "41.4 GiB", "41.3 GiB"), ("copying db-1", "the checksum is right"),
    ),
    Planned(
        "backup-files", "./backup.sh /srv/files",
        {"cron": "0 3 * * *", **ZONE, "label": "team=platform", "description": "What customers have uploaded."},
        700, ("1,204 files", "987 files"),
    ),
    Planned(
        "load-sales", "./load.py sales",
        {"cron": "0 4 * * *", **ZONE, "label": "team=data", "description": "Yesterday's sales, from the shops."},
        260, ("18,402 rows", "17,911 rows"),
    ),
    Planned(
        "load-stock", "./load.py stock", {"cron": "10 4 * * *", **ZONE, "label": "team=data"}, 140, ("6,120 rows",)
    ),
    Planned(
        "sales-report", "./report.py sales",
        {"after": ["load-sales", "load-stock"], "label": "team=data",
         "description": "Sales by shop and day, for the morning."},
        95, ("24 pages",), ("read 18,402 rows", "wrote sales.pdf"),
    ),
    Planned("mail-report", "./mail.py sales.pdf", {"after": ["sales-report"], "label": "team=data"}, 4, ("31 sent",)),
    Planned("forecast-orders", "./forecast.py", {"after": ["load-sales"], "label": "team=data"}, 320),
    Planned(
        "send-invoices", {"url": "https://billing.example/run"},
        {"cron": "*/30 * * * *", **ZONE, "label": "team=billing", "policy": "ack", "history": 100,
         "description": "Invoices of orders that have been shipped."},
        6, ("12 invoices", "3 invoices", "8 invoices"), runner="http", fails=True,
    ),
    Planned("sync-crm", {"url": "https://crm.example/sync"}, {"every": "10m", "label": "team=web"}, 3, runner="http"),
    Planned("check-certificates", "./certificates.sh", {"cron": "0 7 * * MON", "label": "team=platform"}, 9),
    Planned("clean-uploads", "find /srv/tmp -mtime +7 -delete", {"every": "6h", "label": "team=web"}, 30),
    Planned(
        "resize-images", "./resize.sh", {"every": "20m", "label": "team=web", "keep": "1d"},
        110, ("52 images", "17 images"),
    ),
    Planned(
        "export-orders", "./export.py orders",
        {"keep": "1d", "label": "team=billing", "description": "All orders, for the auditors."}, 900,
    ),
)  # fmt: skip

ALERTS = (
    (
        "billing-failed",
        {"when": "failed", "for_": ["team=billing", "team=platform"], "every": "4h", "recovery": True},
    ),
    ("backups-slow", {"when": "long 3h, late 1h", "for_": "backup-*", "quiet": "22:00-07:00", **ZONE}),
    ("nobody-works", {"when": "unserved, behind"}),
)
"""The names of alerts, and their options."""

RESIZED = "resized {:04}.jpg to 1600, 800 and 200 pixels"
UNDER_WAY = {
    "resize-images": (64, "33 of 52", ["52 images wait", *(RESIZED.format(i) for i in (31, 32, 33))]),
    "export-orders": (18, "page 9 of 50", ["connected to db-1", "page 8 of 50", "page 9 of 50"]),
}
"""Tasks that run now: their progress, note and lines."""


def fill(board: Board, days: float = 12) -> None:
    """Fill an empty board, which does not validate runners, with a history of some days."""
    now = time.time()
    begin = now // STEP * STEP - days * DAY
    ann, ben = board.with_author("ann@example.com"), board.with_author("ben@example.com")
    report_workers(board)
    board.commands.call("JLIMIT", "queue", "http", "concurrency", 4)
    for job in JOBS:
        ann.put(job.id, job.runner, job.payload, **job.options, now=begin)
    for name, options in ALERTS:
        ann.alert_put(name, "page", "ops", **options, now=begin)
    Past(board, now).run(begin)
    for worker, id in zip(WORKERS, UNDER_WAY, strict=True):
        _start(ben, id, worker)
    ann.put("archive-orders", "shell", "./archive.py", every="1d", start="+1d", label="team=billing")
    ben.pause("archive-orders", because="until the auditors are done")
    ben.edit("send-invoices", timeout="2m", because="the new gateway is slow")
    for number in range(3):
        board.push("mail", f"customer {number}")
    board.push("shell", "./restart.sh", at=now + 900)


@dataclass
class Past:
    """Runs the jobs of a board on virtual time."""

    board: Board
    now: float
    running: list[tuple[float, str, Task, bool]] = field(default_factory=list)  # a heap, by when they end
    chance: random.Random = field(default_factory=lambda: random.Random(7))

    def run(self, begin: float) -> None:
        """Tick every ten minutes, which is when the jobs of the demo are due, until now."""
        moment = begin
        while moment <= self.now:
            self._end(moment)
            self.board.tick(now=moment)
            self._take(moment)
            self._tell(moment)
            moment += STEP
        self._end(self.now)
        while self.running:
            self._report(*heapq.heappop(self.running))

    def _take(self, moment: float) -> None:
        worker = self.chance.choice(WORKERS)
        for task in self.board.pop("shell", "http", count=100, lease=LEASE, worker=worker, now=moment + 0.1):
            job = _planned(task.job)
            fails = (job.fails and moment > self.now - 5400) or self.chance.random() < 0.003
            end = moment + job.took * self.chance.uniform(0.8, 1.3)
            heapq.heappush(self.running, (end, task.token, task, fails))

    def _tell(self, moment: float) -> None:
        """Send what alerts tell."""
        for task in self.board.pop("page", count=100, lease=LEASE, worker=WORKERS[0], now=moment + 0.1):
            self.board.ack(task.token, now=moment + 1, note="ops: mail sent")

    def _end(self, moment: float) -> None:
        """Report what has ended by a moment, and begin what runs after it."""
        while self.running and self.running[0][0] <= moment:
            ended = heapq.heappop(self.running)
            self._report(*ended)
            self._take(ended[0])

    def _report(self, end: float, token: str, task: Task, fails: bool) -> None:
        job = _planned(task.job)
        end, tail = min(end, self.now), "a1\n" + "".join(f"o{line}\n" for line in job.lines)
        if fails:
            note = "billing.example: the gateway timed out" if job.fails else "db-1: connection reset"
            self.board.ack(token, "dead", now=end, code="504", note=note, tail=f"{tail}e{note}\n")
        else:
            self.board.ack(token, now=end, note=self.chance.choice(job.notes), tail=tail)


def _planned(id: str) -> Planned:
    return next(job for job in JOBS if job.id == id)


def report_workers(board: Board) -> None:
    """Report that the workers of the demo serve."""
    for worker in WORKERS:
        host, pid = worker.split(":")
        started = time.time() - 2 * DAY
        words = f"host {host} pid {pid} concurrency 8 running 1 started {started} ticks 1 state serving"
        board.commands.call("JREGISTER", worker, "shell", "http", "page", "--", *words.split())


def _start(board: Board, id: str, worker: str) -> None:
    """Run a job now, until the demo ends."""
    progress, note, lines = UNDER_WAY[id]
    board.push(id)
    (task,) = board.pop("shell", lease=LEASE, worker=worker)
    board.ack(task.token, "update", progress=progress, note=note)
    board.commands.call("JOUTPUT", task.token, *(word for line in lines for word in ("stdout", line)))
