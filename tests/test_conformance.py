"""The conformance kit: a short plugin passes, and a test finds each mistake."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import install

GOOD = """
    from jobs_core import Outcome, Runner, hookimpl

    def run(task, context):
        if task.payload == "wait" and context.cancelled.wait(60):
            return Outcome.cancelled()
        if task.payload == "fail":
            return Outcome.failed("as you wish", code="fail")
        context.line(f"hello, {task.payload}")
        return Outcome.done()

    @hookimpl
    def jobs_runners():
        yield Runner(name="hello", run=run, summary="Say hello")
"""
CONFORMANCE = """
from jobs_core.testing import RunnerConformance

class TestHello(RunnerConformance):
    plugin = runner = "hello"
    good, failing, slow = "world", "fail", "wait"
"""


def conformance(folder: Path, source: str, tests: str = CONFORMANCE) -> tuple[set[str], str]:
    """Run the kit on a plugin as its author would, without the plugins of pytest that are installed here.

    Returns the tests that fail, and what pytest says.
    """
    install(folder, "hello", source)
    (folder / "test_hello.py").write_text(tests)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", folder, folder],
        env=os.environ | {"PYTHONPATH": str(folder), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    failed = {
        line.split("::")[-1].split()[0] for line in done.stdout.splitlines() if line.startswith("FAILED")
    }
    assert done.returncode in (0, 1), done.stdout
    return failed, done.stdout


def test_a_plugin_of_a_few_lines_passes(tmp_path: Path) -> None:
    failed, says = conformance(tmp_path, GOOD)
    assert failed == set(), says
    assert "12 passed, 2 skipped" in says  # no `refused` and no `loud` payload


SETTING = """
    from jobs_core import Outcome, Runner, Setting, hookimpl

    def run(task, context):
        context.line(f"{context.settings['hello_greeting']}, {task.payload}")
        return Outcome.done(context.settings["hello_greeting"])

    @hookimpl
    def jobs_runners():
        yield Runner(name="hello", run=run)

    @hookimpl
    def jobs_settings():
        yield Setting("hello_greeting", default="hello", summary="What to say")
"""
SETTING_TESTS = """
from jobs_core.testing import RunnerConformance

class TestHello(RunnerConformance):
    plugin = runner = "hello"
    good = "world"

    def test_a_setting_has_its_default(self):
        assert self.run("world").note == "hello"

    def test_a_setting_comes_from_the_environment(self, monkeypatch):
        monkeypatch.setenv("JOBS_HELLO_GREETING", "good day")
        assert self.run("world").note == "good day"
"""


def test_the_kit_brings_the_settings_of_the_plugin(tmp_path: Path) -> None:
    failed, says = conformance(tmp_path, SETTING, SETTING_TESTS)
    assert failed == set(), says


BY_CALLBACK = GOOD.replace("and context.cancelled.wait(60)", "and wait(context)").replace(
    "    def run(",
    """
    import threading

    def wait(context):
        told = threading.Event()
        with context.on_stop(told.set):
            return told.wait(60)

    def run(""",
    1,
)


def test_a_runner_that_waits_for_its_callback_passes(tmp_path: Path) -> None:
    failed, says = conformance(tmp_path, BY_CALLBACK)
    assert failed == set(), says


def test_a_runner_that_does_not_stop_is_found(tmp_path: Path) -> None:
    deaf = GOOD.replace("context.cancelled.wait(60)", "not __import__('time').sleep(60)")
    patience = "from jobs_core.testing import runner\nrunner.PATIENCE = 0.5\n"
    only = '    good, failing, slow = "world", "fail", "wait"\n    test_a_timeout_ends_it = None\n'
    for name in ("test_a_cancel_ends_it", "test_a_draining_worker_returns_its_task"):
        only += f"    {name} = None\n"
    tests = patience + CONFORMANCE.replace('    good, failing, slow = "world", "fail", "wait"\n', only)
    failed, says = conformance(tmp_path, deaf, tests)
    assert any(name.startswith("test_it_stops_on_request") for name in failed), says


@pytest.mark.parametrize(
    ("before", "after", "finds"),
    [
        ("    from jobs_core", "    import redis\n    from jobs_core", "test_its_import_loads_no_sdk"),
        ("jobs_runners()", "jobs_runner()", "test_its_entry_point_loads_and_all_its_hooks_exist"),
        ('name="hello"', 'name="console"', "test_its_names_are_unique"),
        ('Outcome.failed("as you wish", code="fail")', "1 / 0", "test_a_failure_is_an_outcome"),
        (', code="fail"', "", "test_a_failure_is_an_outcome"),
        ("return Outcome.done()", "return None", "test_a_good_payload_succeeds"),
        ("Outcome.done()", "Outcome.done(at=task)", "test_a_good_payload_succeeds"),
    ],
)
def test_the_kit_finds_every_mistake(tmp_path: Path, before: str, after: str, finds: str) -> None:
    assert before in GOOD
    only = (
        CONFORMANCE.replace('"hello"\n', '"hello"\n    slow = None\n')
        .replace(", slow", "")
        .replace(', "wait"', "")
    )
    failed, says = conformance(tmp_path, GOOD.replace(before, after), only)
    assert finds in failed, says


POLICY = """
    from jobs_core import Decision, Logger, Policy, hookimpl

    def decide(task, outcome):
        return Decision.done() if outcome.status == "done" else Decision.retry(60)

    @hookimpl
    def jobs_policies():
        yield Policy("stubborn", decide)

    @hookimpl
    def jobs_loggers():
        yield Logger("quiet", lambda event: None)
"""
BOTH = """
from jobs_core.testing import LoggerConformance, PolicyConformance

class TestStubborn(PolicyConformance):
    plugin, policy = "hello", "stubborn"

class TestQuiet(LoggerConformance):
    plugin, logger = "hello", "quiet"
"""


def test_policies_and_loggers_have_kits(tmp_path: Path) -> None:
    failed, says = conformance(tmp_path, POLICY, BOTH)
    assert failed == set(), says


def test_a_policy_that_fails_for_some_outcome_is_found(tmp_path: Path) -> None:
    failed, _ = conformance(
        tmp_path, POLICY.replace('outcome.status == "done"', 'outcome.code[0] == "0"'), BOTH
    )
    assert any(name.startswith("test_it_decides_on_every_outcome") for name in failed)
