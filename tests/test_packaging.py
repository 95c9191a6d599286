"""The wheels, in a venv of their own: what `pip install` gives to a user."""

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.helpers import checked as run

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheels")
    for project in (ROOT, *(ROOT / "plugins").iterdir()):
        run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, project)
    return out


def test_the_core_wheel_has_every_lua_file_and_template(wheels: Path) -> None:
    (core,) = wheels.glob("jobs_core-*.whl")
    inside = set(zipfile.ZipFile(core).namelist())
    for path in (*(ROOT / "jobs_core").rglob("*.lua"), *(ROOT / "jobs_core").rglob("*.in")):
        assert path.relative_to(ROOT).as_posix() in inside
    assert not any(name.startswith(("tests/", "plugins/", "bench/")) for name in inside)


@pytest.mark.timeout(300)
def test_wheels_in_an_empty_venv_give_a_working_jobs(wheels: Path, tmp_path: Path, url: str) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv/bin/python"
    jobs = tmp_path / "venv/bin/jobs"
    run(python, "-m", "pip", "install", "-q", *wheels.glob("*.whl"))
    environment = {"PATH": "/usr/bin:/bin", "JOBS_REDIS_URL": url, "JOBS_BOARD": "packaged"}

    def command(*words: str) -> str:
        return run(jobs, *words, env=environment, cwd=tmp_path)

    assert all(name in command("plugins") for name in ("shell", "http"))
    command("put", "hello", "shell", "echo from the wheel > out", "--at", "0")
    worker = subprocess.Popen(
        [jobs, "run", "--log", "json"], env=environment, cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert worker.stdout is not None
    with worker:
        for line in worker.stdout:
            if '"task.finished"' in line:
                break
        worker.terminate()
        worker.stdout.read()
    assert (tmp_path / "out").read_text() == "from the wheel\n"
    assert worker.returncode == 0
    refuses_without_the_plugin(python, jobs, environment)


def refuses_without_the_plugin(python: Path, jobs: Path, environment: dict[str, str]) -> None:
    """A plugin that is removed leaves a core that works, and says which package would bring its runner."""
    put = (jobs, "put", "ping", "http", "https://example.com", "--every", "60")
    run(*put, env=environment)
    run(python, "-m", "pip", "uninstall", "-q", "-y", "jobs-http")
    done = subprocess.run(
        (*put, "--board", "other"), env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "there is no runner 'http'" in done.stderr and "`pip install jobs-http`" in done.stderr
    assert "ping" in run(jobs, "list", env=environment)
