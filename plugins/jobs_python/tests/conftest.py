"""A module of functions to run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = """
import os
import sys
from os import system
from jobs_core import Outcome

def good():
    return "all well"

def nothing():
    pass

def outcome():
    return Outcome.failed("on purpose", code="7")

def add(a, b=0, *, c=0):
    return a + b + c

def about(task, context):
    context.line(f"attempt {task.attempt}")
    return task.id

def broken():
    raise ValueError("no paper")

def slow(context):
    context.cancelled.wait(60)
    return Outcome.cancelled() if context.cancelled.is_set() else Outcome.done()

def loud(context):
    for number in range(100_000):
        context.line(f"line {number}")

def leave(code=None):
    sys.exit(code)

def interrupted():
    raise KeyboardInterrupt

async def awaited(a):
    return f"awaited {a}"

class Group:
    @staticmethod
    def member():
        return "member"

number = 5
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory with the modules `steps` and `lacking`, which nobody has imported yet."""
    (tmp_path / "steps.py").write_text(SOURCE)
    (tmp_path / "lacking.py").write_text("import nowhere_to_be_found\n")
    (tmp_path / "failing.py").write_text("raise RuntimeError('at import')\n")
    (tmp_path / "leaving.py").write_text("raise SystemExit('not a module')\n")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("JOBS_PYTHON_PATH", str(tmp_path))
    monkeypatch.setenv("JOBS_PYTHON_ALLOW", "*:*,os:getcwd")
    yield tmp_path
    for name in ("steps", "lacking", "failing", "leaving"):
        sys.modules.pop(name, None)
