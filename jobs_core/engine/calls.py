"""What goes to the commands: the arguments that `Board`, workers and bulk work share."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from jobs_core.engine.commands import Call
from jobs_core.errors import OptionError, PayloadError
from jobs_core.options import JOB_OPTIONS, to_pairs, to_text
from jobs_core.text import writable
from jobs_core.types import NOTE, Payload

POP_OPTIONS = frozenset(("count", "lease", "worker", "raw"))
TASK_FILTERS = frozenset(("state", "task", "job", "runner", "queue", "older-than", "payload"))


def pop_call(
    queues: Collection[str], count: int, lease: float | None, worker: str = "", now: Any = None
) -> Call:
    """The JPOP that `Board.pop` and workers send; `as_task` reads what it answers."""
    found = {"count": count, "lease": lease, "worker": worker or None, "raw": 1, "now": now}
    options = to_pairs(found, POP_OPTIONS)
    return "JPOP", (len(queues), *queues, *options)


def next_arguments(id: str | None, count: int, from_: Any, now: Any, options: Mapping[str, Any]) -> list[Any]:
    """The arguments of a JNEXT: about a job, or about a schedule that is given here."""
    extra = to_pairs({"from": from_, "now": now, **options}, (*JOB_OPTIONS, "from"))
    subject = ["-", *(["id", id] if id else [])] if options else [id or "-"]
    return [*subject, "count", count, *extra]


def ack_pairs(options: Mapping[str, Any]) -> list[str]:
    """The options of a JACK, flat: notes cut to what is kept, data as JSON."""
    pairs: list[str] = []
    for name, value in options.items():
        if value is None or value == "":
            continue
        if name == "data":
            value = as_data(value)
        elif name == "note":
            value = str(value)[:NOTE]
        pairs += (name, to_text(value))
    return pairs


def as_data(value: Mapping[str, Any]) -> str:
    """What an outcome's data is kept as. Raises TypeError or ValueError for what is no JSON."""
    return writable(json.dumps(dict(value), ensure_ascii=False, default=str))


def parts(job: Mapping[str, Any]) -> dict[str, Any]:
    """Split `{"id": …, "runner": …, "payload": …, option: value}` into the arguments of a put."""
    options = dict(job)
    try:
        id, runner, payload = (options.pop(name) for name in ("id", "runner", "payload"))
    except KeyError as error:
        raise OptionError(f"a job needs an id, a runner and a payload: {error.args[0]} is missing") from None
    if not isinstance(id, str) or not isinstance(runner, str):
        raise OptionError("the id and the runner of a job must be strings")
    return {"id": id, "runner": runner, "payload": payload, "options": options}


def as_raw(payload: Payload) -> str:
    """A payload as Redis keeps it. Raises PayloadError."""
    if isinstance(payload, Mapping):
        try:
            payload = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
        except (TypeError, ValueError) as error:
            raise PayloadError(f"the payload is no JSON: {error}") from None
    if not isinstance(payload, str):
        raise PayloadError("a payload is a string or a JSON object")
    if writable(payload) != payload:
        raise PayloadError("the payload has half of a surrogate pair, which is no character")
    return payload
