"""The wheels in a separate venv, as `pip install` installs them."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import threading
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.helpers import checked as run

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The wheels of the core and its plugins. The processes of one test run build them once."""
    base = tmp_path_factory.getbasetemp()
    out = (base if worker_id == "master" else base.parent) / "wheels"
    out.mkdir(exist_ok=True)
    with (out / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (out / "built").exists():
            for project in (ROOT, *(ROOT / "plugins").iterdir()):
                run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, project)
            (out / "built").touch()
    return out


def test_the_core_wheel_has_every_lua_file_and_template(wheels: Path) -> None:
    (core,) = wheels.glob("jobs_core-*.whl")
    inside = set(zipfile.ZipFile(core).namelist())
    for path in (*(ROOT / "jobs_core").rglob("*.lua"), *(ROOT / "jobs_core").rglob("*.in")):
        assert path.relative_to(ROOT).as_posix() in inside
    assert not any(name.startswith(("tests/", "plugins/", "bench/")) for name in inside)


def test_every_wheel_is_typed(wheels: Path) -> None:
    found = {path.name.split("-")[0]: path for path in wheels.glob("*.whl")}
    assert len(found) == 1 + len(list((ROOT / "plugins").iterdir()))
    for package, wheel in found.items():
        assert f"{package}/py.typed" in zipfile.ZipFile(wheel).namelist(), wheel.name


class Venv:
    """A virtual environment with the given packages."""

    def __init__(self, folder: Path, url: str) -> None:
        venv.create(folder, with_pip=False)  # pip of this environment installs into it: that is faster
        self.folder = folder
        self.environment = {
            "PATH": "/usr/bin:/bin",
            "JOBS_REDIS_URL": url,
            "JOBS_BOARD": folder.name,
            "JOBS_HTTP_ALLOW": "loopback",
        }

    def pip(self, *words: str | Path) -> None:
        run(sys.executable, "-m", "pip", "--python", self.folder / "bin/python", *words)

    def jobs(self, *words: str) -> str:
        return run(self.folder / "bin/jobs", *words, env=self.environment, cwd=self.folder)

    def refused(self, *words: str) -> str:
        """Return the error message of a failing command."""
        command = (self.folder / "bin/jobs", *words)
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 2, done.stderr
        return done.stderr

    def work(self, *words: str) -> None:
        """Run a worker until it has finished a task."""
        command = (self.folder / "bin/jobs", "run", "--log", "json", *words)
        worker = subprocess.Popen(
            command, env=self.environment, cwd=self.folder, stdout=subprocess.PIPE, text=True
        )
        assert worker.stdout is not None
        with worker:
            for line in worker.stdout:
                if '"task.finished"' in line:
                    break
            worker.terminate()
            worker.stdout.read()
        assert worker.returncode == 0


@contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    """The URL of a server on loopback, and the paths it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *words: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


@pytest.mark.timeout(300)
def test_jobs_http_installs_the_core_and_can_be_removed(wheels: Path, tmp_path: Path, url: str) -> None:
    (http,) = wheels.glob("jobs_http-*.whl")
    found = Venv(tmp_path / "only-http", url)
    found.pip("install", "-q", "--no-compile", "--find-links", wheels, http)
    with listening() as (target, asked):
        found.jobs("put", "ping", "http", f"{target}/hook", "--at", "0")
        found.work("--runner", "http")
    assert asked == ["/hook"]

    found.pip("uninstall", "-q", "-y", "jobs-http")
    assert "ping" in found.jobs("list")
    found.jobs("put", "hello", "console", "hi", "--at", "0")
    found.work()
    says = found.refused("put", "ping", "http", "https://example.com", "--board", "other")
    assert "there is no runner 'http'" in says and "install the plugin: `pip install jobs-http`" in says
    assert "install the plugin: `pip install jobs-http`" in found.refused("run", "--runner", "http")


@pytest.mark.timeout(300)
def test_all_plugins_together(wheels: Path, tmp_path: Path, url: str) -> None:
    found = Venv(tmp_path / "everything", url)
    found.pip("install", "-q", "--no-compile", *wheels.glob("*.whl"))
    listed = found.jobs("plugins", "--json").splitlines()
    assert len(listed) == 1 + len(list((ROOT / "plugins").iterdir()))
    assert all('"state": "ok"' in line and '"notes": []' in line for line in listed), listed
    found.jobs("put", "hello", "shell", "echo from the wheel > out", "--at", "0")
    found.work()
    assert (found.folder / "out").read_text() == "from the wheel\n"
