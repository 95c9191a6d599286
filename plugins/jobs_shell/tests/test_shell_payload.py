"""Payloads, and the limits of output, without a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import jobs_shell
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jobs_shell.output import LONGEST, Lines, Tail
from jobs_shell.payload import read

from jobs_core import Context, Job, PayloadError, Plugins
from jobs_core.testing import make_task, run_task


def put(payload: Any) -> None:
    """Validate a job as `put` does: first the schema, then the hook."""
    plugins = Plugins()
    assert plugins.add("shell", jobs_shell).state != "broken"
    raw = payload if isinstance(payload, str) else json.dumps(payload)
    plugins.validate(plugins.job("a", "shell", raw, {}))


@pytest.mark.parametrize(
    "payload",
    [
        "echo hi",
        {"line": "echo hi"},
        {"argv": ["echo", ""]},
        {"line": "x", "cwd": "/", "env": {"A_1": ""}, "user": "root", "nice": -5, "umask": "077"},
        {"line": "x", "input": "\0", "grace": 0.5, "limit": 0, "shell": "/bin/bash"},
    ],
)
def test_good_payloads(payload: Any) -> None:
    put(payload)


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ("", "line"),
        ({}, "set either 'line' or 'argv'"),
        ({"line": "s3cret", "argv": ["x"]}, "set either 'line' or 'argv'"),
        ({"argv": []}, "argv"),
        ({"argv": [""]}, "argv: expected the name or path of a program"),
        ({"argv": ["-s3cret"]}, "argv: expected the name or path of a program"),
        ({"argv": ["x"], "shell": "s3cret"}, "shell: only valid with 'line'"),
        ({"line": "x", "zzz": "s3cret"}, "unknown key 'zzz', expected one of line, argv"),
        ({"line": "x", "timeout": "s3cret"}, "unknown key 'timeout': timeout is an option of the job"),
        ({"lines": "s3cret"}, "unknown key 'lines' (did you mean 'line'?)"),
        ({"line": "x", "env": {"A": 1}}, "env.A"),
        ({"line": "x", "env": {"A=s3cret": "1"}}, "env: a variable name may only"),
        ({"line": "x", "env": {"A": "s3cret\0"}}, "env: contains a NUL"),
        ({"line": "x", "cwd": "s3cret\ud800"}, "cwd: contains"),
        ({"line": "x", "umask": "8"}, "umask"),
        ({"line": "x", "nice": 1.5}, "nice"),
        ({"line": "x", "grace": -1}, "grace"),
        ({"line": "x", "grace": float("nan")}, "grace"),
        ({"line": "x", "grace": float("inf")}, "grace"),
    ],
)
def test_bad_payloads_are_refused_when_put(payload: Any, words: str) -> None:
    with pytest.raises(PayloadError) as error:
        put(payload)
    assert words in str(error.value)
    assert "s3cret" not in str(error.value)
    (runner,) = jobs_shell.jobs_runners()  # and again at run time, if it was not validated
    outcome = run_task(runner, make_task(runner, payload), Context("w1"))
    assert (outcome.status, outcome.code) == ("failed", "payload")
    assert "s3cret" not in outcome.note


def test_jobs_of_other_runners_are_ignored() -> None:
    jobs_shell.jobs_validate(Job("a", "other", {"neither": 1}))


def test_read() -> None:
    command = read({"line": "x", "umask": "077", "grace": 1, "limit": 9, "nice": 3})
    assert command.argv == ["/bin/sh", "-c", "x"]
    assert (command.umask, command.grace, command.limit, command.nice) == (0o77, 1, 9, 3)


def test_importing_the_plugin_is_light() -> None:
    script = "import sys, jobs_shell; print(*sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    loaded = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    ).stdout.split()
    assert "jobs_shell" in loaded
    assert {"redis", "rich", "click", "subprocess", "fastjsonschema", "jobs_shell.execute"}.isdisjoint(loaded)


# Output

LIMITS = st.integers(0, 30)


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\r")), st.integers(1, 7))
def test_lines_do_not_depend_on_how_the_bytes_arrive(text: str, size: int) -> None:
    lines, data = Lines(), text.encode()
    found = [line for at in range(0, len(data), size) for line in lines.feed(data[at : at + size])]
    found += lines.end()
    expected = text.split("\n")
    assert found == (expected if expected[-1] else expected[:-1])


def test_a_long_line_is_split_and_loses_nothing() -> None:
    lines = Lines()
    found = lines.feed(b"x" * 20_000) + lines.feed(b"x" * 1_000 + b"\nnext") + lines.end()
    assert [len(line) for line in found] == [LONGEST, LONGEST, 21_000 - 2 * LONGEST, 4]


@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=9)), st.integers(0, 30)
)
def test_the_tail_is_the_end_of_everything(added: list[str], limit: int) -> None:
    tail = Tail(limit)
    for line in added:
        tail.add(line)
    whole = "\n".join(added)
    assert whole.endswith(tail.text)
    assert len(tail.text.encode()) <= limit
    assert tail.truncated == (len(whole.encode()) > limit)
    if not tail.truncated:
        assert tail.text == whole
    else:
        assert len(tail.text.encode()) > limit - 4  # a character across the limit is dropped
