"""`jobs service`: the unit is valid, holds no secret, and replaces only what Jobs has written."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from jobs_core.cli import cli
from jobs_core.service import files
from jobs_core.service.unit import command_line
from tests.deploy.helpers import JOBS, run
from tests.helpers import refused

UNIT = "etc/systemd/system/jobs-worker.service"
ENVIRONMENT = "etc/jobs/jobs-worker.env"
Service = Callable[..., Result]

needs_systemd_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="no systemd-analyze on PATH"
)


@pytest.fixture
def service() -> Service:
    """Call `jobs service` in this process."""
    return lambda *words: CliRunner().invoke(cli, ["service", *map(str, words)], prog_name="jobs")


@pytest.fixture
def image(tmp_path: Path) -> Path:
    folder = tmp_path / "image"
    folder.mkdir()
    return folder


def without_systemd(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(files, "BOOTED", tmp_path / "nowhere")


def settings(unit: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in unit.splitlines() if "=" in line and not line.startswith("#"))


def test_a_dry_run_prints_the_unit_and_writes_nothing(service: Service, image: Path) -> None:
    done = service("install", "--root", image, "--dry-run", "--", "--concurrency", "20", "--drain", "90.5")
    assert done.exit_code == 0, done.output
    found = settings(done.stdout)
    assert found["ExecStart"].endswith("/jobs run --concurrency 20 --drain 90.5")
    assert found["ExecStart"].startswith("/")
    assert found["User"] == "jobs"
    assert found["KillMode"] == "mixed"
    assert list(image.iterdir()) == []


@pytest.mark.parametrize(("options", "seconds"), [((), 60), (("--", "--drain", "90.5"), 121)])
def test_a_stop_may_take_longer_than_the_drain(
    service: Service, options: tuple[str, ...], seconds: int
) -> None:
    done = service("install", "--system", "--dry-run", *options)
    assert settings(done.stdout)["TimeoutStopSec"] == str(seconds)


@needs_systemd_analyze
@pytest.mark.parametrize("scope", ["--system", "--user"])
def test_systemd_accepts_the_unit(service: Service, scope: str, tmp_path: Path) -> None:
    done = service("install", scope, "--dry-run", "--", "--queue", '100% "mine" $HOME;', "--log", "json")
    assert done.exit_code == 0, done.output
    path = tmp_path / "jobs-worker.service"
    path.write_text(done.stdout)
    verified = run(
        *("systemd-analyze", scope, "verify", path), env=os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)}
    )
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")


def test_systemd_expands_nothing_in_arguments() -> None:
    assert command_line(["/opt/my jobs", "%n", "$HOME", 'a "b" \\c', ";", ""]) == (
        r'"/opt/my jobs" %%n $$HOME "a \"b\" \\c" ";" ""'
    )


def test_installing_twice_changes_nothing(service: Service, image: Path) -> None:
    first = service("install", "--root", image)
    assert first.exit_code == 0, first.output
    assert "created /etc/systemd/system/jobs-worker.service" in first.stdout
    assert "systemctl enable --now jobs-worker" in first.stdout
    before = (image / UNIT).read_text()
    (image / ENVIRONMENT).write_text("JOBS_REDIS_URL=redis://:secret@h\n")
    again = json.loads(service("install", "--root", image, "--json").stdout)
    assert again["change"] == "unchanged"
    assert again["unit"] == "/etc/systemd/system/jobs-worker.service"
    assert (image / UNIT).read_text() == before
    assert "secret" in (image / ENVIRONMENT).read_text()


def test_other_options_update_the_unit(service: Service, image: Path) -> None:
    service("install", "--root", image)
    done = service("install", "--root", image, "--", "--concurrency", "3")
    assert "updated" in done.stdout and "systemctl restart jobs-worker" in done.stdout
    assert "--concurrency 3" in (image / UNIT).read_text()


def test_only_the_owner_reads_the_environment(service: Service, image: Path) -> None:
    service("install", "--root", image)
    assert stat.S_IMODE((image / ENVIRONMENT).stat().st_mode) == 0o600
    assert f"EnvironmentFile=/{ENVIRONMENT}" in (image / UNIT).read_text()


@pytest.mark.parametrize(
    "url",
    [
        "redis://:s3cret@h/0",
        "rediss+cluster://me:s3cret@a,b",
        "redis+sentinel://h/name?sentinel_password=s3cret",
    ],
)
def test_a_password_in_a_url_is_refused(service: Service, image: Path, url: str) -> None:
    done = service("install", "--root", image, "--", "--url", url)
    refused(done, "url: the unit and the process list would show the password")
    assert "s3cret" not in done.output
    assert list(image.iterdir()) == []


def test_a_url_without_a_password_and_one_of_the_environment_are_fine(
    service: Service, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOBS_REDIS_URL", "redis://:s3cret@h/0")
    assert service("install", "--root", image).exit_code == 0
    assert "s3cret" not in (image / UNIT).read_text()
    assert service("install", "--root", image, "--", "--url", "redis://me@h").exit_code == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--", "--concurency", "3"), "No such option '--concurency'"),
        (("--name", "a/b"), "name: expected letters"),
        (("--name", "jobs@.service"), "name: expected letters"),
        (("--run-as", "a b"), "run-as: expected the name of a user"),
        (("--user",), "root: another system has system services only"),
        (("--", "--name", "a\nb"), "expected text without control characters"),
    ],
)
def test_mistakes_are_refused(service: Service, image: Path, words: tuple[str, ...], says: str) -> None:
    refused(service("install", "--root", image, *words), says)
    assert list(image.iterdir()) == []


def test_run_as_belongs_to_system_services(service: Service) -> None:
    refused(service("install", "--user", "--run-as", "me", "--dry-run"), "run-as: a service of your own")


def test_without_systemd_it_refuses(
    service: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    without_systemd(monkeypatch, tmp_path)
    for command in ("install", "remove"):
        refused(service(command, "--user"), "This machine is not run by systemd")


def test_a_system_service_needs_its_user(
    service: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(files, "BOOTED", tmp_path)
    refused(
        service("install", "--system", "--run-as", "no-such-user"), "there is no user 'no-such-user' here"
    )


@pytest.mark.parametrize("command", ["install", "remove"])
def test_a_unit_of_others_stays(service: Service, image: Path, command: str) -> None:
    path = image / UNIT
    path.parent.mkdir(parents=True)
    path.write_text("[Service]\nExecStart=/bin/true\n")
    refused(service(command, "--root", image), "jobs-worker.service")
    assert "ExecStart=/bin/true" in path.read_text()
    assert not (image / ENVIRONMENT).exists()


def test_removing_keeps_the_environment(service: Service, image: Path) -> None:
    service("install", "--root", image)
    wanted = image / "etc/systemd/system/multi-user.target.wants/jobs-worker.service"
    wanted.parent.mkdir()
    wanted.symlink_to("../jobs-worker.service")
    refused(service("remove", "--root", image), "first run `systemctl disable --now jobs-worker`")
    wanted.unlink()
    done = service("remove", "--root", image)
    assert done.exit_code == 0, done.output
    assert "removed" in done.stdout and "systemctl daemon-reload" in done.stdout
    assert not (image / UNIT).exists() and (image / ENVIRONMENT).exists()
    refused(service("remove", "--root", image), "has written no unit")


def test_a_directory_that_cannot_be_written_is_one_sentence(service: Service, image: Path) -> None:
    (image / "etc").write_text("")
    done = service("install", "--root", image)
    assert done.exit_code == 1 and "Not a directory" in done.stderr and "Traceback" not in done.stderr


MANAGER = "/lib/systemd/systemd"
CAN_UNSHARE = (
    Path(MANAGER).exists() and os.geteuid() == 0 and shutil.which("unshare") and run("unshare", "-m", "true")
)


@pytest.mark.skipif(
    not CAN_UNSHARE or CAN_UNSHARE.returncode != 0, reason="needs systemd, and root who may mount"
)
def test_systemd_starts_the_service_and_stopping_drains_it(url: str, tmp_path: Path) -> None:
    """A service manager of its own, in a mount namespace, runs what `jobs service install --user` writes."""
    runs, started = tmp_path / "run", tmp_path / "started"
    script = f"""
    set -e
    mount -t tmpfs tmpfs /run
    mkdir -p /run/systemd/system "$XDG_RUNTIME_DIR"
    {JOBS} service install --user -- --drain 30 --runner shell
    echo "JOBS_REDIS_URL={url}" >> "$XDG_CONFIG_HOME/jobs/jobs-worker.env"
    echo "JOBS_BOARD=as-a-service" >> "$XDG_CONFIG_HOME/jobs/jobs-worker.env"
    {MANAGER} --user --unit=basic.target &
    manager=$!
    until systemctl --user daemon-reload 2>/dev/null; do sleep 0.1; done
    systemctl --user enable --now jobs-worker
    until [ -e {started} ]; do sleep 0.1; done
    systemctl --user stop jobs-worker
    systemctl --user show jobs-worker --property Result --property ExecMainStatus
    systemctl --user disable jobs-worker
    {JOBS} service remove --user
    kill "$manager"
    """
    clean = {name: value for name, value in os.environ.items() if not name.startswith("JOBS_")}
    env = clean | {"XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_RUNTIME_DIR": "/run/user/0"}
    board = ("--url", url, "--board", "as-a-service")
    pushed = run(
        JOBS, "push", "shell", f"touch {started}; sleep 1; touch {runs}", "--keep", "1h", *board, env=clean
    )
    assert pushed.returncode == 0, pushed.stderr
    done = run("unshare", "-m", "sh", "-c", script, env=env, timeout=90)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Result=success" in done.stdout and "ExecMainStatus=0" in done.stdout
    assert runs.exists(), "the running task was not waited for"
    stats = json.loads(run(JOBS, "stats", "--json", *board, env=clean).stdout)
    assert (stats["done"], stats["in_flight"], stats["lost"]) == (1, 0, 0)
