"""The units of deploy/systemd, and what the guide does on a new machine before it starts them."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from tests.deploy.helpers import DEPLOY, JOBS, ROOT, parse_command, run
from tests.docs.page import blocks

UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
ENVIRONMENTS = sorted((DEPLOY / "systemd").glob("*.env"))


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze on PATH")
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    for unit in UNITS:
        path = tmp_path / unit.name
        path.write_text(unit.read_text().replace("/opt/jobs/bin/jobs", "/bin/true"))
    done = run("systemd-analyze", "verify", *tmp_path.iterdir())
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_the_command_line_of_a_unit_exists(unit: Path) -> None:
    (command,) = re.findall(r"^ExecStart=/opt/jobs/bin/jobs (.*)$", unit.read_text(), re.MULTILINE)
    parse_command(shlex.split(command))


@pytest.mark.parametrize("path", [*UNITS, *ENVIRONMENTS], ids=lambda path: path.name)
def test_no_password_is_in_a_unit(path: Path) -> None:
    assert not re.search(r"://[^/\s]*:[^/\s]*@", path.read_text())


PROGRAMS = {
    # Makes an environment whose pip installs nothing, and whose jobs installs services below the root.
    "python3": """
        mkdir -p "$3/bin"
        printf '#!/bin/sh\\n' > "$3/bin/pip"
        cp "$PROGRAMS/jobs" "$3/bin/jobs"
        chmod +x "$3/bin/pip"
    """,
    "jobs": """
        if [ "$1 $2" = "service install" ]; then
            shift 2
            exec "$JOBS" service install --root "$ROOT" "$@"
        fi
        echo "$JOBS_REDIS_URL $JOBS_REDIS_PASSWORD_FILE" >> "$ROOT/called"
        exec "$JOBS" "$@" --help
    """,
    "useradd": 'echo "$2" >> "$ROOT/users"',
    "systemctl": 'if [ "$1" = enable ]; then shift 2; exec "$PYTHON" "$PROGRAMS/start" "$@"; fi',
    "editor": "",
}
"""What the commands of the guide call, in place of what changes this machine."""

START = """
import os, re, sys
from pathlib import Path

root = Path(os.environ["ROOT"])
for name in sys.argv[1:]:
    unit = (root / f"etc/systemd/system/{name}.service").read_text().replace("%N", name)
    named = r"^(?:EnvironmentFile=|LoadCredential=[^:]+:|ExecStart=(?=/opt/))/(\\S+)"
    for path in re.findall(named, unit, re.M):
        assert (root / path).exists(), f"{name}: there is no /{path}"
    for user in re.findall(r"^User=(.*)$", unit, re.M):
        assert user in (root / "users").read_text().split(), f"{name}: there is no user {user}"
    with (root / "started").open("a") as file:
        file.write(f"{name}\\n")
"""
"""Starts units: what they name must be there."""


def guide() -> str:
    """The commands of the guide's section on systemd that are shown only, in order."""
    text = (ROOT / "docs/guides/deploy.md").read_text("utf-8")
    section = text[text.index("## systemd\n") : text.index("## Containers\n")]
    return "".join(block.text for block in blocks(section) if block.why_not_run == "needs systemd")


def test_the_guide_makes_all_that_the_units_name(tmp_path: Path) -> None:
    root, programs = tmp_path / "root", tmp_path / "programs"
    for folder in (root / "etc/systemd/system", root / "opt", programs):
        folder.mkdir(parents=True)
    for name, text in PROGRAMS.items():
        (programs / name).write_text(f"#!/bin/sh\nset -e\n{text}\n")
        (programs / name).chmod(0o755)
    (programs / "start").write_text(START)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("JOBS_")}
    environment = clean | {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "EDITOR": "editor",
        "ROOT": str(root),
        "PROGRAMS": str(programs),
        "PYTHON": sys.executable,
        "JOBS": JOBS,
    }
    script = guide().replace("/etc/", f"{root}/etc/").replace("/opt/", f"{root}/opt/")
    done = run("sh", "-ec", script, env=environment, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    started = (root / "started").read_text().split()
    assert started == ["jobs-worker", *sorted((unit.stem for unit in UNITS), reverse=True)]
    secrets = [*(root / "etc/jobs").iterdir()]
    assert {path.name for path in secrets} >= {f"{unit.stem}.password" for unit in UNITS}
    assert all(path.stat().st_mode & 0o077 == 0 for path in secrets)
    assert (root / "called").read_text().startswith("rediss://jobs-client@")
