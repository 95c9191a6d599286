"""Arguments and replies of the commands about alerts, for both clients."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from jobs_core.alerts.options import STORED
from jobs_core.alerts.rule import Alert, Incident, as_alert
from jobs_core.engine.calls import as_raw
from jobs_core.engine.commands import Call
from jobs_core.errors import NotFoundError, OptionError
from jobs_core.options import to_pairs
from jobs_core.types import Payload


def alert_id(name: str) -> str:
    """Return the id of an alert beside those of jobs: in plans, and in its tasks."""
    return f"alert:{name}"


def alert_parts(alert: Mapping[str, Any]) -> dict[str, Any]:
    """Split `{"alert": name, "runner": …, "payload": …, option: value}` into the arguments of `alert_put`."""
    options = dict(alert)
    try:
        name, runner, payload = (options.pop(key) for key in ("alert", "runner", "payload"))
    except KeyError as error:
        raise OptionError(
            f"an alert needs a name, a runner and a payload: {error.args[0]} is missing"
        ) from None
    return {"name": name, "runner": runner, "payload": payload, "options": options}


def put_call(name: str, runner: str, payload: Payload, options: Mapping[str, Any]) -> Call:
    """Return the JALERT that puts an alert."""
    recovery = options.get("recovery")
    if recovery is not None and not isinstance(recovery, bool):
        raise OptionError(f"recovery: expected True or False, got {recovery!r}", option="recovery")
    words = dict(options) | {"recovery": None if recovery is None else "yes" if recovery else "no"}
    return "JALERT", ("put", name, runner, as_raw(payload), *to_pairs(words, STORED))


def remove_call(names: Sequence[str], author: Sequence[str]) -> Call:
    """Return the JALERT that removes alerts."""
    return "JALERT", ("remove", *names, "-", *author)


def found_alert(reply: Sequence[str | None], name: str, board: str) -> Alert:
    """Read a reply about one alert. Raises NotFoundError if there is none."""
    if reply[0] is None:
        raise NotFoundError(f"there is no alert {name!r} on the board {board!r}")
    return as_alert(reply[0])


def list_call(job: str | None, *, payload: bool) -> Call:
    """Return the JALERTS that lists alerts: those for a job, if that is given."""
    return "JALERTS", ("-", *(() if job is None else ("job", job)), *(() if payload else ("payload", "0")))


def open_call(name: str | None, job: str | None, cursor: str) -> Call:
    """Return the JALERTS that lists what an alert, or all, tell of now, from a cursor on; the first is 0."""
    about = () if job is None else ("job", job)
    return "JALERTS", (*(() if name is None else (name,)), "-", "open", cursor, *about)


def as_incidents(texts: Iterable[str], seen: set[tuple[str, str, str]]) -> Iterator[Incident]:
    """Read a page of what alerts tell of. Yields what is not in `seen`, and adds it."""
    for text in texts:
        found = Incident(**json.loads(text))
        key = (found.alert, found.kind, found.about)
        if key not in seen:
            seen.add(key)
            yield found
