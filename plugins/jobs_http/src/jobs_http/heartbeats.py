"""The loggers that ping monitors: one for runs of jobs, one for the board as a whole."""

from __future__ import annotations

import time
from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any

from jobs_core import Event, Logger, OptionError, WorkerInfo
from jobs_http.guard import Guard, Rules
from jobs_http.pinger import Pinger
from jobs_http.pings import OPTION, Ping, Pings, check_ping

TICKED = "ticked"

ANYWHERE = Guard(allow=Rules(networks=(ip_network("0.0.0.0/0"), ip_network("::/0"))))
"""Permits every address, for URLs that come from the settings of the worker itself."""


def run_logger(worker: WorkerInfo) -> Logger:
    """Return the logger that pings for the runs of jobs with the option `ping`."""
    pinger = Pinger(worker, Guard.read)
    pings = Pings(pinger.put)
    return Logger(OPTION, pings.write, "Pings for runs of jobs", pinger.close, option=OPTION)


def board_logger(worker: WorkerInfo, url: str) -> Logger:
    """Return the logger that pings a URL now and then, while ticks of the worker succeed.

    Raises OptionError for an invalid URL or interval.
    """
    check_ping(url)
    every = float(worker.settings.get("ping_every", 60.0))
    if every < 1:
        raise OptionError(f"ping_every: expected at least 1 second, got {every:g}", option="ping_every")
    pinger = Pinger(worker, _anywhere)
    about, due = f"the monitor of {_boards_of(worker)}", 0.0

    def write(event: Event) -> None:
        nonlocal due
        if (now := time.monotonic()) >= due and pinger.is_idle:
            due = now + every
            pinger.put(Ping(url, about, f"{worker.name}/{event.time:.0f}"))

    return Logger("board-ping", write, "Pings for the board", pinger.close, kinds=(TICKED,))


def _boards_of(worker: WorkerInfo) -> str:
    return f"the board {worker.board!r}" if len(worker.boards) == 1 else f"{len(worker.boards)} boards"


def _anywhere(settings: Mapping[str, Any]) -> Guard:
    return ANYWHERE
