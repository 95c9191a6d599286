"""The image and the Compose file of deploy/docker, as far as they can be tried without a daemon."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml

from jobs_core.embedded.binary import find_binary
from tests.deploy.helpers import DEPLOY, IMAGE, ROOT, documents, parse_command, run
from tests.helpers import checked, jobs_process, wait_until

DOCKERFILE = (DEPLOY / "docker/Dockerfile").read_text("utf-8")
INSTRUCTIONS = re.findall(r"^([A-Z]+) (.*)$", DOCKERFILE.replace("\\\n", " "), re.MULTILINE)
IGNORED = (DEPLOY / "docker/Dockerfile.dockerignore").read_text("utf-8").splitlines()
(COMPOSE,) = documents(DEPLOY / "docker/compose.yaml")
OURS = {name: service for name, service in COMPOSE["services"].items() if service["image"] == IMAGE}


def instructions(name: str) -> list[str]:
    return [rest.strip() for found, rest in INSTRUCTIONS if found == name]


def copied() -> list[str]:
    """The files and folders of this checkout that the image is built from."""
    return [
        source for rest in instructions("COPY") if not rest.startswith("--") for source in rest.split()[:-1]
    ]


def test_what_is_copied_exists_and_is_not_ignored() -> None:
    assert copied()
    for source in copied():
        assert (ROOT / source).exists(), source
        assert f"!{source}" in IGNORED


def test_the_wheels_are_built_from_what_is_copied(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in copied():
        if (ROOT / name).is_dir():
            skip = shutil.ignore_patterns("tests", "__pycache__")
            shutil.copytree(ROOT / name, source / name, ignore=skip)
        else:
            shutil.copy(ROOT / name, source / name)
    assert "pip wheel --no-deps --wheel-dir /wheels . ./plugins/*/" in DOCKERFILE
    for project in (source, source / "plugins/jobs_metrics"):
        checked(
            sys.executable,
            "-m",
            "build",
            "--wheel",
            "--no-isolation",
            "--outdir",
            tmp_path / "wheels",
            project,
        )
    assert len(list((tmp_path / "wheels").glob("*.whl"))) == 2
    assert {path.name for path in (source / "plugins").iterdir()} == {
        path.name for path in (ROOT / "plugins").iterdir()
    }


def test_the_image_runs_as_nobody_in_particular() -> None:
    assert instructions("USER") == ["10001:10001"]
    assert "--uid 10001" in DOCKERFILE
    assert instructions("STOPSIGNAL") == ["SIGTERM"]


def test_the_image_has_a_server_for_forecasts() -> None:
    assert "install /wheels/*.whl 'jobs-core[embedded]'" in DOCKERFILE


def test_the_image_starts_a_worker() -> None:
    entry, command = (json.loads(instructions(name)[0]) for name in ("ENTRYPOINT", "CMD"))
    assert entry == ["/usr/bin/tini", "--", "jobs"]
    parse_command(command)


def test_the_health_check_asks_a_worker_that_serves(url: str, tmp_path: Path) -> None:
    (check,) = re.findall(r"CMD (\[\"python\".*\])$", DOCKERFILE, re.MULTILINE)
    code = json.loads(check)[2]
    where = f"JOBS_METRICS=0.0.0.0:{re.search(r':([0-9]+)/metrics', code)[1]}"  # type: ignore[index]
    assert where in DOCKERFILE
    worker = jobs_process("run", JOBS_REDIS_URL=url, JOBS_METRICS="0.0.0.0:0", path=tmp_path)
    with worker:
        assert worker.stderr is not None
        (address,) = re.findall(r"http://0\.0\.0\.0:(\d+)/metrics", worker.stderr.readline())
        healthy = run(sys.executable, "-c", code.replace("9464", address))
        worker.terminate()
        worker.communicate()
    assert healthy.returncode == 0, healthy.stderr
    assert run(sys.executable, "-c", code.replace("9464", address)).returncode != 0


@pytest.mark.parametrize("name", OURS)
def test_the_command_of_a_service_exists(name: str) -> None:
    parse_command(OURS[name]["command"])


def test_services_use_the_version_of_this_checkout() -> None:
    assert set(OURS) == {"worker", "web", "metrics"}
    assert f"-t {IMAGE} ." in DOCKERFILE


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_services_may_write_little(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_a_stop_of_a_worker_may_take_longer_than_its_drain() -> None:
    worker = COMPOSE["services"]["worker"]
    grace = int(worker["stop_grace_period"].removesuffix("s"))
    assert grace >= parse_command(worker["command"])["drain"] + 30


def test_the_password_is_a_secret_that_git_ignores() -> None:
    secret = (DEPLOY / "docker" / COMPOSE["secrets"]["redis-password"]["file"]).relative_to(ROOT)
    assert f"{secret.parent}/" in (ROOT / ".gitignore").read_text().splitlines()
    for service in OURS.values():
        assert service["environment"]["JOBS_REDIS_PASSWORD_FILE"] == "/run/secrets/redis-password"


def valkey_scripts() -> dict[str, tuple[str, str]]:
    """The scripts that start Valkey, each with the path of its password."""
    compose = COMPOSE["services"]["valkey"]["command"][2].replace("$$", "$")
    stateful: dict[str, Any] = documents(DEPLOY / "kubernetes/overlays/valkey/valkey.yaml")[0]
    (container,) = stateful["spec"]["template"]["spec"]["containers"]
    return {
        "compose": (compose, "/run/secrets/redis-password"),
        "kubernetes": (container["command"][2], "/etc/jobs-redis/password"),
    }


@pytest.fixture(params=["compose", "kubernetes"])
def valkey(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """Start Valkey as a template does. Yields its process id and its socket."""
    script, password = valkey_scripts()[request.param]
    (tmp_path / "password").write_text("a-long-password\n")
    (tmp_path / "data").mkdir()
    socket = tmp_path / "socket"
    script = script.replace(password, str(tmp_path / "password")).replace(
        "dir /data\n", f"dir {tmp_path}/data\nport 0\nunixsocket {socket}\n"
    )
    path = f"{find_binary().parent}{os.pathsep}{os.environ['PATH']}"
    process = subprocess.Popen(
        ["sh", "-c", script], env=os.environ | {"PATH": path}, stdout=subprocess.DEVNULL
    )
    try:
        wait_until(socket.exists)
        yield process.pid, socket
    finally:
        process.terminate()
        process.wait()


def test_valkey_keeps_everything_and_shows_no_password(valkey: tuple[int, Path]) -> None:
    pid, socket = valkey
    with redis.Redis.from_url(f"unix://{socket}") as client, pytest.raises(redis.AuthenticationError):
        client.ping()
    with redis.Redis.from_url(f"unix://:a-long-password@{socket}", decode_responses=True) as client:
        found = client.config_get("append*", "maxmemory-policy", "dir")
    assert (found["appendonly"], found["maxmemory-policy"]) == ("yes", "noeviction")
    assert found["dir"].endswith("/data")
    assert b"a-long-password" not in Path(f"/proc/{pid}/cmdline").read_bytes()


def test_yaml_of_compose_has_no_unknown_keys() -> None:
    """Compose refuses keys that it does not know. These are those of its specification that we use."""
    known = {
        *("image", "build", "environment", "secrets", "depends_on", "restart", "read_only", "tmpfs"),
        *("cap_drop", "security_opt", "command", "ports", "healthcheck", "volumes", "user"),
        "stop_grace_period",
    }
    for service in COMPOSE["services"].values():
        assert set(service) <= known
    assert {key for key in COMPOSE if not key.startswith("x-")} == {"name", "services", "volumes", "secrets"}
    assert yaml.safe_dump(COMPOSE)
