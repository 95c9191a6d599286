"""The manifests of deploy/kubernetes are valid, and agree with the command line, metrics and version."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.deploy.helpers import DEPLOY, VERSION, check_mentioned_commands, documents, parse_command, run
from tests.helpers import Jobs

FOLDER = DEPLOY / "kubernetes"
KUSTOMIZATIONS = sorted(FOLDER.rglob("kustomization.yaml"))
MANIFESTS = sorted(path for path in FOLDER.rglob("*.yaml") if path.name != "kustomization.yaml")
STOP = 30
"""Seconds that a stop may take after the drain."""


def objects() -> Iterator[dict[str, Any]]:
    for path in MANIFESTS:
        yield from documents(path)


PODS = {
    found["metadata"]["name"]: found["spec"]["template"]["spec"]
    for found in objects()
    if found["kind"] in ("Deployment", "StatefulSet")
}
OURS = {name: pod for name, pod in PODS.items() if name != "valkey"}


def validate(found: dict[str, Any]) -> None:
    if not found["apiVersion"].startswith("keda.sh/"):  # it has no schema of Kubernetes
        kubernetes_validate.validate(found, kubernetes_validate.latest_version(), strict=True)


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_manifests_are_valid(path: Path) -> None:
    for found in documents(path):
        validate(found)


def test_a_mistake_would_be_found() -> None:
    (deployment, _) = documents(FOLDER / "base/worker.yaml")
    deployment["spec"]["template"]["spec"]["terminationGrace"] = 3
    with pytest.raises(kubernetes_validate.ValidationError):
        validate(deployment)


@pytest.mark.parametrize("path", KUSTOMIZATIONS, ids=lambda path: path.parent.name)
def test_every_file_is_part_of_a_kustomization(path: Path) -> None:
    named = {path.parent / name for name in documents(path)[0]["resources"]}
    assert all(found.exists() for found in named)
    assert {found for found in path.parent.glob("*.yaml") if found != path} <= named


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl on PATH")
@pytest.mark.parametrize("path", KUSTOMIZATIONS, ids=lambda path: path.parent.name)
def test_kustomize_builds_valid_manifests(path: Path) -> None:
    built = run("kubectl", "kustomize", path.parent)
    assert built.returncode == 0, built.stderr
    found = list(yaml.safe_load_all(built.stdout))
    for one in found:
        validate(one)
    images = set(re.findall(r"image: (jobs\S*)", built.stdout))
    assert images == {f"jobs:{VERSION}"}
    (worker,) = [
        one for one in found if one["metadata"]["name"] == "jobs-worker" and one["kind"] == "Deployment"
    ]
    assert ("replicas" in worker["spec"]) is (path.parent.name != "keda")


def test_the_image_has_the_version_of_this_checkout() -> None:
    (base,) = documents(FOLDER / "base/kustomization.yaml")
    assert base["images"] == [{"name": "jobs", "newTag": VERSION}]


@pytest.mark.parametrize("name", OURS)
def test_the_command_of_a_pod_exists(name: str) -> None:
    (container,) = OURS[name]["containers"]
    parse_command(container["args"])


def test_commands_in_comments_exist() -> None:
    for path in [*MANIFESTS, *KUSTOMIZATIONS]:
        check_mentioned_commands(path.read_text("utf-8"))
    (words,) = re.findall(r"-- jobs (.*)$", (FOLDER / "base/web.yaml").read_text(), re.MULTILINE)
    parse_command(words.split())


@pytest.mark.parametrize("name", PODS)
def test_pods_are_restricted(name: str) -> None:
    """As the profile `restricted` of the Pod Security Standards wants it, and read-only."""
    pod = PODS[name]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]


def test_a_worker_has_time_to_drain() -> None:
    (container,) = PODS["jobs-worker"]["containers"]
    drain = parse_command(container["args"])["drain"]
    assert PODS["jobs-worker"]["terminationGracePeriodSeconds"] >= drain + STOP


@pytest.mark.parametrize("name", OURS)
def test_probes_ask_a_port_that_the_pod_has(name: str) -> None:
    (container,) = OURS[name]["containers"]
    ports = {port["name"] for port in container["ports"]}
    for kind in ("startupProbe", "livenessProbe"):
        probe = container[kind]
        assert (probe.get("httpGet") or probe["tcpSocket"])["port"] in ports


def test_liveness_does_not_depend_on_redis() -> None:
    """An outage of Redis must restart nothing: /readyz asks Redis, /healthz and a worker's metrics do not."""
    paths = {
        name: pod["containers"][0]["livenessProbe"].get("httpGet", {}).get("path")
        for name, pod in OURS.items()
    }
    assert paths == {"jobs-worker": "/metrics", "jobs-web": "/healthz", "jobs-metrics": None}


@pytest.mark.parametrize("name", OURS)
def test_the_password_is_a_file_of_the_secret(name: str) -> None:
    pod = OURS[name]
    (base,) = documents(FOLDER / "base/kustomization.yaml")
    settings = dict(line.split("=", 1) for line in base["configMapGenerator"][0]["literals"])
    mounts = {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
    assert settings["JOBS_REDIS_PASSWORD_FILE"] == f"{mounts['redis']}/password"
    assert {"name": "redis", "secret": {"secretName": "jobs-redis", "defaultMode": 0o440}} in pod["volumes"]
    assert "env" not in pod["containers"][0]


def test_scaling_asks_for_metrics_that_exist(jobs: Jobs) -> None:
    (scaled,) = documents(FOLDER / "overlays/keda/scaledobject.yaml")
    assert scaled["spec"]["scaleTargetRef"]["name"] in PODS
    (trigger,) = scaled["spec"]["triggers"]
    found = jobs("metrics").stdout
    names = set(re.findall(r"jobs_\w+", trigger["metadata"]["query"]))
    assert names == {"jobs_open_tasks"}
    for state in ("queued", "leased"):  # there also while nothing waits, unlike the queues
        assert f'state="{state}"}}' in found and state in trigger["metadata"]["query"]
    (container,) = PODS["jobs-worker"]["containers"]
    assert float(trigger["metadata"]["threshold"]) < parse_command(container["args"])["concurrency"]
