"""The python runner: finding and calling functions, their results and exceptions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jobs_python
import pytest

from jobs_core import Context, Job, Outcome, PayloadError
from jobs_core.testing import RunnerConformance, make_task, read_settings, run_task


@pytest.fixture
def call(folder: Path) -> Any:
    """Run a payload. Returns the outcome and the printed lines."""

    (runner,) = jobs_python.jobs_runners()

    def run(payload: Any) -> tuple[Outcome, list[str]]:
        lines: list[str] = []
        context = Context("w", emit=lambda line, stream: lines.append(line), settings=read_settings())
        task = make_task(runner, payload, id="a@1", attempt=2)
        return run_task(runner, task, context), lines

    return run


@pytest.mark.parametrize(
    ("payload", "note"),
    [
        ("steps:good", "all well"),
        ("steps:nothing", ""),
        ("steps:Group.member", "member"),
        ({"function": "steps:add", "args": [1, 2], "kwargs": {"c": 3}}, "6"),
        ({"function": "steps:add", "kwargs": {"a": 4}}, "4"),
        ("steps:about", "a@1"),
        ({"function": "steps:awaited", "args": ["rest"]}, "awaited rest"),
        ("steps:leave", ""),
        ({"function": "steps:leave", "args": [0]}, ""),
        ("os:getcwd", str(Path.cwd())),
    ],
)
def test_the_return_value_is_the_note(call: Any, payload: Any, note: str) -> None:
    outcome, _ = call(payload)
    assert (outcome.status, outcome.note) == ("done", note)


def test_a_function_may_return_an_outcome(call: Any) -> None:
    assert call("steps:outcome")[0] == Outcome.failed("on purpose", code="7")


@pytest.mark.parametrize(
    ("payload", "note", "code"),
    [
        ({"function": "steps:leave", "args": [3]}, "exit 3", "3"),
        ({"function": "steps:leave", "args": ["no paper"]}, "no paper", "1"),
        ("steps:interrupted", "KeyboardInterrupt", "KeyboardInterrupt"),
    ],
)
def test_a_function_may_call_sys_exit(call: Any, payload: Any, note: str, code: str) -> None:
    outcome = call(payload)[0]
    assert (outcome.status, outcome.note, outcome.code) == ("failed", note, code)


def test_a_function_may_ask_for_its_task_and_context(call: Any) -> None:
    assert call("steps:about")[1] == ["attempt 2"]


def test_an_exception_is_a_failure_with_its_traceback_in_the_log(call: Any) -> None:
    outcome, lines = call("steps:broken")
    assert (outcome.status, outcome.note, outcome.code) == ("failed", "ValueError: no paper", "ValueError")
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1] == "ValueError: no paper"
    assert any("steps.py" in line for line in lines)


@pytest.mark.parametrize(
    ("payload", "note"),
    [
        ("nowhere:x", "this worker finds no module 'nowhere': install it, or set python_path"),
        ("steps.more:x", "this worker finds no module 'steps.more'"),
        ("steps:nobody", "the module 'steps' has no function 'nobody'"),
        ("steps:number", "the module 'steps' has no function 'number'"),
        (
            "lacking:x",
            "cannot import lacking:x: ModuleNotFoundError: No module named 'nowhere_to_be_found'",
        ),
        ("failing:x", "cannot import failing:x: RuntimeError: at import"),
        ("leaving:x", "cannot import leaving:x: SystemExit: not a module"),
    ],
)
def test_a_missing_function_is_reported_in_one_sentence(call: Any, payload: str, note: str) -> None:
    outcome, _ = call(payload)
    assert (outcome.status, outcome.code) == ("failed", "import")
    assert outcome.note.startswith(note)


def test_wrong_arguments_are_a_failure(call: Any) -> None:
    outcome, _ = call({"function": "steps:good", "args": [1]})
    assert (outcome.status, outcome.code) == ("failed", "TypeError")


@pytest.mark.parametrize("payload", ["steps", "steps:", ":good", "a b:c", "steps:good()", "../x:y", ""])
def test_a_payload_that_names_no_function_is_refused(payload: str) -> None:
    with pytest.raises(PayloadError, match="expected module:name"):
        jobs_python.jobs_validate(Job("a", "python", payload))


def test_payloads_of_other_runners_are_ignored() -> None:
    jobs_python.jobs_validate(Job("a", "shell", "x"))


def test_a_target_is_a_module() -> None:
    assert jobs_python.target({"function": "reports.monthly:send"}) == "reports.monthly"


class TestPython(RunnerConformance):
    plugin = runner = "python"
    good = "steps:good"
    failing = "steps:broken"
    refused = "no function"
    slow = "steps:slow"
    loud = "steps:loud"

    @pytest.fixture(autouse=True)
    def modules(self, folder: Path) -> None:
        """The functions, which are found through JOBS_PYTHON_PATH."""
