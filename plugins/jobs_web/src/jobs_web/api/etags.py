"""ETags of jobs and alerts, and the headers that make a request depend on them.

An ETag has two parts: `show(id)["etag"]`, which changes when people change the job, and a digest of the rest,
such as the next run. If-None-Match compares both, so that nobody misses a run. If-Match compares only the
first: a job that has run meanwhile, or an alert that has told something, may still be changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from jobs_core import NotFoundError
from jobs_web.api.model import Answer, Call, Problem

MISMATCH = "It has changed since it was read: read it again."


def etag(job: Mapping[str, Any]) -> str:
    """Return the ETag of a job that `show` returned, or of an alert as JSON has it."""
    rest = json.dumps({name: value for name, value in job.items() if name != "etag"}, sort_keys=True)
    return f'"{job["etag"]}.{hashlib.sha256(rest.encode()).hexdigest()[:16]}"'


def is_known(call: Call, tag: str) -> bool:
    """Return whether If-None-Match names an ETag, so that the client has this version."""
    given = [one.removeprefix("W/") for one in _tags(call, "if-none-match")]
    return tag in given or "*" in given


def shown(call: Call, found: Mapping[str, Any]) -> Answer:
    """Answer with a job or an alert and its ETag, or with 304 if the client has this version."""
    tag = etag(found)
    return Answer(None, 304, {"ETag": tag}) if is_known(call, tag) else Answer(found, headers={"ETag": tag})


def must_be_new(call: Call) -> bool:
    """Return whether If-None-Match is `*`: the job or alert must not exist."""
    given = _tags(call, "if-none-match")
    if given and given != ["*"]:
        raise Problem(400, "If-None-Match: expected * for what must not exist", "If-None-Match")
    return bool(given)


def expected(call: Call, id: str) -> dict[str, str]:
    """Return `if_match` for a change of a job, as the header If-Match says; nothing without it.

    Raises:
        Problem: The job has none of several ETags.
        NotFoundError: There is no such job, and any ETag will do.
    """
    return expected_of(call, lambda: str(call.board.show(id)["etag"]))


def expected_of(call: Call, current_of: Callable[[], str]) -> dict[str, str]:
    """Return `if_match` like `expected`. `current_of` reads the part of the ETag that people change."""
    given = _tags(call, "if-match")
    if not given:
        return {}
    if given == ["*"]:
        return {"if_match": current_of()}
    wanted = [one.strip('"').partition(".")[0] for one in given if not one.startswith("W/")]
    if len(wanted) == 1 and wanted[0]:
        return {"if_match": wanted[0]}
    current = current_of()
    if current not in wanted:
        raise Problem(412, MISMATCH)
    return {"if_match": current}


def expected_existing(call: Call, current_of: Callable[[], str]) -> dict[str, str]:
    """Return `if_match` like `expected_of`. What must have an ETag, and does not exist, does not have it."""
    try:
        return expected_of(call, current_of)
    except NotFoundError as error:
        raise Problem(412, str(error)) from None


def _tags(call: Call, header: str) -> list[str]:
    return [tag for one in call.headers.getlist(header) for tag in map(str.strip, one.split(",")) if tag]
