"""Which functions a worker calls: only those that it allows, and nothing is imported before."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import jobs_python
import pytest

from jobs_core import Context, Outcome
from jobs_core.testing import make_task, read_settings, run_task


def call(payload: Any, *allow: str) -> Outcome:
    (runner,) = jobs_python.jobs_runners()
    context = Context("w", settings=read_settings(python_allow=list(allow)))
    return run_task(runner, make_task(runner, payload), context)


@pytest.mark.parametrize("payload", ["os:system", "builtins:exec", "steps:good", {"function": "steps:good"}])
def test_nothing_is_allowed_unless_the_worker_says_so(folder: Path, payload: Any) -> None:
    outcome = call(payload)
    path = payload if isinstance(payload, str) else payload["function"]
    module = path.partition(":")[0]
    assert (outcome.status, outcome.code) == ("failed", "not-allowed")
    assert outcome.note == (
        f"this worker may not call {path}: start it with --allow '{module}:*', "
        f"or set JOBS_PYTHON_ALLOW={module}:*"
    )
    assert "steps" not in sys.modules


@pytest.mark.parametrize(
    ("pattern", "path", "is_allowed"),
    [
        ("steps:*", "steps:good", True),
        ("steps:good", "steps:good", True),
        ("steps:g*", "steps:good", True),
        ("st*:good", "steps:good", True),
        ("steps:*", "steps:Group.member", True),
        ("*:*", "steps:good", True),
        ("other:*", "steps:good", False),
        ("steps:goo", "steps:good", False),
        ("steps.*:*", "steps:good", False),
        ("STEPS:*", "steps:good", False),
        ("steps:*", "steps:os.getcwd", False),  # what a module imports is not what it offers
        ("steps:*", "steps:system", False),
        ("steps:*", "steps:sys.exit", False),
        ("steps:*", "steps:good.__globals__.get", False),
        ("steps:*", "steps:good.__class__", False),
        ("steps:os.getcwd", "steps:os.getcwd", True),
    ],
)
def test_a_pattern_allows_what_a_module_defines(
    folder: Path, pattern: str, path: str, is_allowed: bool
) -> None:
    outcome = call(path, "elsewhere:*", pattern)
    assert (outcome.code == "not-allowed") is not is_allowed
    assert outcome.status == ("done" if is_allowed else "failed")


def test_an_invalid_pattern_is_named(folder: Path) -> None:
    outcome = call("steps:good", "steps")
    assert (outcome.code, outcome.note) == (
        "settings",
        "python_allow: expected module:name or module:*, got 'steps'",
    )
