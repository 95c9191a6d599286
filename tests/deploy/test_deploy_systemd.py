"""The units of deploy/systemd."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from jobs_core.service.unit import HARDENING
from tests.deploy.helpers import DEPLOY, parse_command, run

UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
WORKER = DEPLOY / "systemd/jobs@.service"
ENVIRONMENT = DEPLOY / "systemd/worker.env"


def options_of_the_environment() -> str:
    (found,) = re.findall(r"^JOBS_OPTIONS=(.*)$", ENVIRONMENT.read_text(), re.MULTILINE)
    return found


def started(unit: Path) -> list[str]:
    """The words after `jobs` that a unit starts."""
    (command,) = re.findall(r"^ExecStart=/opt/jobs/bin/jobs (.*)$", unit.read_text(), re.MULTILINE)
    return shlex.split(command.replace("$JOBS_OPTIONS", options_of_the_environment()))


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze on PATH")
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    for unit in UNITS:
        path = tmp_path / unit.name.replace("@", "@mail")
        path.write_text(unit.read_text().replace("/opt/jobs/bin/jobs", "/bin/true"))
    done = run("systemd-analyze", "verify", *tmp_path.iterdir())
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_the_command_line_of_a_unit_exists(unit: Path) -> None:
    parse_command(started(unit))


def test_a_stop_of_a_worker_may_take_longer_than_its_drain() -> None:
    (seconds,) = re.findall(r"^TimeoutStopSec=(\d+)$", WORKER.read_text(), re.MULTILINE)
    assert int(seconds) >= parse_command(started(WORKER))["drain"] + 30


def test_a_worker_is_as_protected_as_the_one_that_jobs_service_installs() -> None:
    assert HARDENING in WORKER.read_text()


@pytest.mark.parametrize("path", [*UNITS, ENVIRONMENT], ids=lambda path: path.name)
def test_no_password_is_in_a_unit(path: Path) -> None:
    assert not re.search(r"://[^/\s]*:[^/\s]*@", path.read_text())
