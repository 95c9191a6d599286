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
from jobs_core.values import require_text, value_type

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


def release_calls(reply: Any) -> list[Call]:
    """Return the calls that give back the tasks in a reply to JPOP. Those without a lease cannot be."""
    return [("JACK", (token, "release")) for token, *_ in reply if token]


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
    return {"id": id, "runner": runner, "payload": payload, "options": options}


def push_parts(task: Mapping[str, Any]) -> tuple[str, Payload | None, dict[str, Any]]:
    """Split `{"runner": …, "payload": …, option: value}` or `{"id": job, option: value}` for a push.

    Returns:
        The runner or the job, the payload (None for a job), and the options.

    Raises:
        OptionError: It is neither, or both.
    """
    options = dict(task)
    job, runner, payload = (options.pop(name, None) for name in ("id", "runner", "payload"))
    if job is None and runner is None:
        raise OptionError("A task needs a runner and a payload, or the id of a job.")
    if job is None:
        name = require_text("runner", runner)
        if payload is None:
            sentence = f"payload: the runner {name!r} needs one; to push a job, name it as id"
            raise OptionError(sentence, option="payload")
        return name, payload, options
    for name, value in (("runner", runner), ("payload", payload)):
        if value is not None:
            raise OptionError(f"{name}: a job has its own; leave out either {name} or id", option=name)
    return require_text("id", job), None, options


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
        raise PayloadError(f"payload: expected a string or a JSON object, got {value_type(payload)}")
    if writable(payload) != payload:
        raise PayloadError("payload: contains a lone surrogate, which UTF-8 cannot encode")
    return payload
