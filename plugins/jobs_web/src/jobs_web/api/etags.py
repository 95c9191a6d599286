"""ETags of jobs, and the headers that make a request depend on them.

An ETag has two parts: `show(id)["etag"]`, which changes when people change the job, and a digest of the rest,
such as the next run. If-None-Match compares both, so that nobody misses a run. If-Match compares only the
first: a job that has run meanwhile may still be changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from jobs_web.api.model import Call, Problem

MISMATCH = "The job has changed since it was read: read it again."


def etag(job: Mapping[str, Any]) -> str:
    """Return the ETag of a job that `show` returned."""
    rest = json.dumps({name: value for name, value in job.items() if name != "etag"}, sort_keys=True)
    return f'"{job["etag"]}.{hashlib.sha256(rest.encode()).hexdigest()[:16]}"'


def is_known(call: Call, tag: str) -> bool:
    """Return whether If-None-Match names an ETag, so that the client has this version."""
    given = [one.removeprefix("W/") for one in _tags(call, "if-none-match")]
    return tag in given or "*" in given


def must_be_new(call: Call) -> bool:
    """Return whether If-None-Match is `*`: the job must not exist."""
    given = _tags(call, "if-none-match")
    if given and given != ["*"]:
        raise Problem(400, "If-None-Match: expected * for a job that must not exist", "If-None-Match")
    return bool(given)


def expected(call: Call, id: str) -> dict[str, str]:
    """Return `if_match` for a change of a job, as the header If-Match says; nothing without it.

    Raises:
        Problem: The job has none of several ETags.
        NotFoundError: There is no such job, and any ETag will do.
    """
    given = _tags(call, "if-match")
    if not given:
        return {}
    if given == ["*"]:
        return {"if_match": call.board.show(id)["etag"]}
    wanted = [one.strip('"').partition(".")[0] for one in given if not one.startswith("W/")]
    if len(wanted) == 1 and wanted[0]:
        return {"if_match": wanted[0]}
    current = call.board.show(id)["etag"]
    if current not in wanted:
        raise Problem(412, MISMATCH)
    return {"if_match": current}


def _tags(call: Call, header: str) -> list[str]:
    return [tag for one in call.headers.getlist(header) for tag in map(str.strip, one.split(",")) if tag]
