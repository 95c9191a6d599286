"""Arguments of the commands, as `Board`, workers and bulk work send them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from jobs_core.engine.bounded import bounded_json
from jobs_core.engine.commands import Call
from jobs_core.errors import OptionError, PayloadError
from jobs_core.options import JOB_OPTIONS, Duration, to_pairs, to_text
from jobs_core.text import shorten, writable
from jobs_core.types import DATA, NOTE, Payload

POP_OPTIONS = frozenset(("count", "lease", "worker", "raw"))
TASK_FILTERS = frozenset(
    ("state", "task", "job", "runner", "queue", "worker", "label", "older-than", "payload")
)


def pop_call(
    queues: Collection[str], count: int, lease: Duration | None, worker: str = "", now: Any = None
) -> Call:
    """Return the JPOP that `Board.pop` and workers send. `as_task` reads its reply."""
    found = {"count": count, "lease": lease, "worker": worker or None, "raw": 1, "now": now}
    options = to_pairs(found, POP_OPTIONS)
    return "JPOP", (len(queues), *queues, *options)


def next_arguments(id: str | None, count: int, from_: Any, now: Any, options: Mapping[str, Any]) -> list[Any]:
    """Return the arguments of a JNEXT about a job, or about the schedule in `options`."""
    extra = to_pairs({"from": from_, "now": now, **options}, (*JOB_OPTIONS, "from"))
    subject = ["-", *(["id", id] if id else [])] if options else [id or "-"]
    return [*subject, "count", count, *extra]


def ack_pairs(options: Mapping[str, Any]) -> list[str]:
    """Flatten the options of a JACK. Truncates the note, and encodes the data as JSON."""
    pairs: list[str] = []
    for name, value in options.items():
        if value is None or value == "":
            continue
        if name == "data":
            value = as_data(value)
        elif name == "note":
            value = shorten(str(value), NOTE)
        pairs += (name, to_text(value))
    return pairs


def as_data(value: Mapping[str, Any]) -> str:
    """Encode an outcome's data as JSON, bounded as the history keeps it. Raises TypeError or ValueError."""
    return bounded_json(dict(value), DATA)


def parts(job: Mapping[str, Any]) -> dict[str, Any]:
    """Split `{"id": …, "runner": …, "payload": …, option: value}` into the arguments of a put."""
    options = dict(job)
    try:
        id, runner, payload = (options.pop(name) for name in ("id", "runner", "payload"))
    except KeyError as error:
        raise OptionError(f"a job needs an id, a runner and a payload: {error.args[0]} is missing") from None
    for name, value in (("id", id), ("runner", runner)):
        if not isinstance(value, str):
            raise OptionError(f"{name}: expected a string, got {value!r}", option=name)
    return {"id": id, "runner": runner, "payload": payload, "options": options}


def as_raw(payload: Payload) -> str:
    """Return a payload as the text that Redis stores. Raises PayloadError."""
    if isinstance(payload, Mapping):
        try:
            payload = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
        except RecursionError:
            raise PayloadError("payload: values are nested too deep") from None
        except (TypeError, ValueError) as error:
            raise PayloadError(f"payload: cannot be encoded as JSON: {error}") from None
    if not isinstance(payload, str):
        raise PayloadError(f"payload: expected a string or a JSON object, got {type(payload).__name__}")
    if writable(payload) != payload:
        raise PayloadError("payload: contains a lone surrogate, which UTF-8 cannot encode")
    return payload
