"""An alert as a board has it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Alert:
    """A rule that tells somebody.

    Args:
        name: Its name.
        when: Its conditions: `failed 3, late 10m`.
        runner: The runner of its tasks.
        payload: Their payload, in which `{job}`, `{reason}` … stand for what has happened.
        scope: The ids, patterns, labels (`team=payments`) and queues (`queue:mail`) it is for; empty: all.
        every: Seconds after which what goes on is told again; None: never.
        recovery: Whether the end of it is told.
        quiet: The quiet hours: `22:00-07:00`.
        zone: Their time zone; None: UTC.
        burst: The most tasks in a minute.
        queue: The queue of its tasks; None: the runner's.
        priority: The priority of its tasks.
        options: Other options of its tasks.
        owner: The board file that has it, if one does.
        open: How many jobs or queues it tells of now.
        told: When it told last, in epoch seconds; None if it has not told anything yet.
        etag: A text that changes when the alert is changed. Changes take it as `if_match`.
    """

    name: str
    when: str
    runner: str
    payload: str = field(default="", repr=False)
    scope: tuple[str, ...] = ()
    every: float | None = None
    recovery: bool = False
    quiet: str | None = None
    zone: str | None = None
    burst: int = 10
    queue: str | None = None
    priority: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    owner: str | None = None
    open: int = 0
    told: float | None = None
    etag: str = ""

    @property
    def declared(self) -> dict[str, Any]:
        """What declares it: its runner, payload and options, by the names that `put` takes."""
        values = {
            **{"when": self.when, "for": list(self.scope), "runner": self.runner, "payload": self.payload},
            **{"every": self.every, "recovery": self.recovery or None, "quiet": self.quiet},
            **{"zone": self.zone, "burst": self.burst, "queue": self.queue},
            **{"priority": self.priority or None, **self.options, "owner": self.owner},
        }
        return {name: value for name, value in values.items() if value is not None}


def dumped_alert(text: str) -> dict[str, Any]:
    """Convert one alert of a JALERTS reply to the form that `Board.load` takes."""
    found = as_alert(text)
    return {"alert": found.name, **found.declared}


def as_alert(text: str) -> Alert:
    """Read one alert of a JALERTS reply."""
    return alert_of(json.loads(text))


def alert_of(found: Mapping[str, Any]) -> Alert:
    """Return an alert from its fields, as JALERTS has them."""
    return Alert(scope=tuple(found.get("for", ())), **{name: found[name] for name in found if name != "for"})


def alert_json(found: Alert) -> dict[str, Any]:
    """Return an alert as JSON has it: its options have the names that `put` takes."""
    told = {} if found.told is None else {"told": found.told}
    return {"name": found.name, **found.declared, "open": found.open, **told, "etag": found.etag}


@dataclass(frozen=True, slots=True)
class Incident:
    """What an alert tells of, and that goes on now.

    Args:
        kind: The condition that is met: failed, late, missed, long, silent, unserved or behind.
        since: Since when it goes on, in epoch seconds.
        told: When it was told last, in epoch seconds.
        more: How often it was seen since it was told.
        job: The job, if it is about one.
        queue: The queue, if it is unserved.
        task: The task, if it is a long run.
        alert: The name of the alert.
        times: How often it was told.
    """

    kind: str
    since: float
    told: float
    more: int = 0
    job: str = ""
    queue: str = ""
    task: str = ""
    alert: str = ""
    times: int = 1

    @property
    def about(self) -> str:
        """The job or queue, or `the board`."""
        return self.job or (f"queue:{self.queue}" if self.queue else "the board")


def incident_json(found: Incident) -> dict[str, Any]:
    """Return what an alert tells of as JSON has it, without what it is not about."""
    return {name: value for name, value in asdict(found).items() if value != ""}
