"""The CloudFormation template of deploy/aws: it is valid, and its users, commands and metrics work."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs
from cfnlint.decode import decode_str
from moto import mock_aws

from jobs_core import Board
from jobs_core.embedded import find_binary
from jobs_core.engine.roles import PLACEHOLDER, ROLE_NAMES, acl_rules, as_version, role
from tests.deploy.helpers import DEPLOY, IMAGE, JOBS, check_mentioned_commands, parse_command, run
from tests.helpers import checked, jobs_process, wait_until
from torture.nodes import HOST, Cluster

TEXT = (DEPLOY / "aws/jobs.yaml").read_text("utf-8")
TEMPLATE, _ = decode_str(TEXT)
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
USERS = {name: f"{name.capitalize()}User" for name in ROLE_NAMES}


def properties(name: str) -> dict[str, Any]:
    found: dict[str, Any] = RESOURCES[name]["Properties"]
    return found


def container(task: str, name: str) -> dict[str, Any]:
    (found,) = [one for one in properties(task)["ContainerDefinitions"] if one["Name"] == name]
    assert isinstance(found, dict)
    return found


WORKER, INIT = container("WorkerTask", "worker"), container("WorkerTask", "init")
METRICS = container("MetricsTask", "metrics")
(SUMMARY,) = (found["Value"] for found in METRICS["Environment"] if found["Name"] == "SUMMARY")


def words(command: list[Any]) -> list[str]:
    """A command with its parameters filled in."""
    return ["10" if isinstance(word, dict) else str(word) for word in command]


def initial(partitions: int) -> list[str]:
    """The command of the container `init` for a board with so many partitions."""
    condition, with_partitions, without = INIT["Command"]["Fn::If"]
    assert TEMPLATE["Conditions"][condition] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "Partitions"}, "0"]}]}
    filled = {"Fn::Sub": "${Partitions}"}
    return [
        str(partitions) if word == filled else word for word in (with_partitions if partitions else without)
    ]


def test_cfn_lint_has_nothing_to_say() -> None:
    config = ManualArgs(regions=["us-east-1", "eu-central-1"])
    assert [str(match) for match in lint(TEXT, config=config)] == []


def test_the_template_can_be_passed_as_it_is() -> None:
    assert len(TEXT.encode()) <= 51_200, "CloudFormation wants larger templates in S3"


def test_commands_exist() -> None:
    assert parse_command(words(WORKER["Command"]))["drain"] == 90
    assert parse_command(initial(0))["partitions"] is None
    assert parse_command(initial(16))["partitions"] == 16
    check_mentioned_commands(TEXT)
    (loop,) = METRICS["Command"]
    (looped,) = re.findall(r"while jobs (.*?) \|", loop)
    parse_command(shlex.split(looped))


def test_shards_and_partitions_are_parameters() -> None:
    parameters = TEMPLATE["Parameters"]
    assert (parameters["Shards"]["Default"], parameters["Partitions"]["Default"]) == (1, 0)
    assert properties("Redis")["NumShards"] == {"Ref": "Shards"}


def test_fargate_waits_for_the_drain() -> None:
    assert WORKER["StopTimeout"] == 120 >= parse_command(words(WORKER["Command"]))["drain"] + 30


def test_the_image_that_is_described_has_the_version_of_this_checkout() -> None:
    assert TEMPLATE["Parameters"]["Image"]["Description"].endswith(f"/{IMAGE}")


def test_roles_may_do_little() -> None:
    for name in ("WorkerExecutionRole", "MetricsExecutionRole"):
        for policy in properties(name)["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                actions = statement["Action"]
                assert "*" not in str(actions)
                assert statement["Resource"] != "*" or actions == "ecr:GetAuthorizationToken"
    assert "Policies" not in properties("WorkerRole")
    assert "TaskRoleArn" not in properties("MetricsTask")


@pytest.mark.parametrize("name", USERS)
def test_access_strings_are_those_of_the_roles(name: str) -> None:
    rules = set(acl_rules(role(name), "jobs", as_version("7.2"), has_partitions=True))
    rules -= {"reset", PLACEHOLDER}
    functions = {rule.split("|")[0] for rule in rules if rule.startswith("+fcall")}
    others = {rule for rule in rules if not rule.startswith("+fcall")}
    wanted = sorted(others - {"on"}, key=lambda rule: rule.startswith("+")) + sorted(functions)
    assert set(properties(USERS[name])["AccessString"].split()) == {"on", *wanted}, f"on {' '.join(wanted)}"


def test_each_user_has_a_secret_of_its_own() -> None:
    wanted = [f"{name.capitalize()}Password" for name in USERS]
    given = [properties(user)["AuthenticationMode"]["Passwords"] for user in USERS.values()]
    assert given == [[{"Fn::Sub": f"{{{{resolve:secretsmanager:${{{name}}}}}}}"}] for name in wanted]
    assert all(RESOURCES[name]["Type"] == "AWS::SecretsManager::Secret" for name in wanted)
    assert {one["Ref"] for one in properties("Acl")["UserNames"]} == set(USERS.values())


def test_the_outputs_are_what_a_client_needs() -> None:
    outputs = {name: found["Value"] for name, found in TEMPLATE["Outputs"].items()}
    assert outputs.keys() == {"ClientUrl", "ClientPassword", "WorkerSecurityGroup"}
    assert "${ClientUser}@${Redis.ClusterEndpoint.Address}" in outputs["ClientUrl"]["Fn::Sub"]
    assert outputs["ClientPassword"] == {"Ref": "ClientPassword"}


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster of two shards with the users of the template on each."""
    with Cluster(str(find_binary()), tmp_path_factory.mktemp("memorydb"), primaries=2) as cluster:
        for node in cluster.nodes:
            for name, resource in USERS.items():
                rules = properties(resource)["AccessString"].split()
                node.call("ACL", "SETUSER", name, "reset", f">secret-of-{name}", *rules)
        yield cluster


@pytest.fixture
def secured(shards: Cluster) -> Iterator[dict[str, str]]:
    """The URL of each user, of a cluster in which nobody has done anything yet."""
    yield {name: f"redis+cluster://{name}@{HOST}:{shards.nodes[0].port}" for name in USERS}
    for node in shards.nodes:
        node.call("FLUSHALL")
        node.call("FUNCTION", "FLUSH")


def environment(container: dict[str, Any], url: str, name: str) -> dict[str, str]:
    """The environment of a container, as Fargate makes it of a secret."""
    clean = {found: value for found, value in os.environ.items() if not found.startswith("JOBS_")}
    given = {one["Name"]: one["Value"] for one in container["Environment"] if one["Name"] != "JOBS_REDIS_URL"}
    (secret,) = container["Secrets"]
    return clean | given | {"JOBS_REDIS_URL": url, secret["Name"]: f"secret-of-{name}"}


@pytest.mark.parametrize("partitions", [0, 4])
def test_each_user_does_its_part(secured: dict[str, str], tmp_path: Path, partitions: int) -> None:
    """The admin makes the board, a client puts a job, a worker runs it, a viewer measures."""
    as_admin = environment(INIT, secured["admin"], "admin")
    checked(JOBS, *initial(partitions), env=as_admin)
    as_client = environment(INIT, secured["client"], "client")
    checked(JOBS, "put", "tell", "shell", f"env > {tmp_path}/env", "--at", "+0", env=as_client)

    settings = environment(WORKER, secured["worker"], "worker") | {"JOBS_METRICS": ""}
    worker = jobs_process(*words(WORKER["Command"]), "--runner", "shell", path=tmp_path, **settings)
    with worker:
        as_viewer = environment(METRICS, secured["viewer"], "viewer")
        wait_until((tmp_path / "env").exists)
        measured = measure(as_viewer)
        worker.terminate()
        worker.communicate()
    assert worker.returncode == 0
    assert "secret-of-worker" not in (tmp_path / "env").read_text()
    assert measured["serving"] == 1
    with Board("jobs", secured["admin"].replace("admin@", "admin:secret-of-admin@")) as board:
        assert board.stats()["done"] == 1
        assert len(board.partitions) == max(partitions, 1)


def measure(environment: dict[str, str]) -> dict[str, float]:
    """Call what the metrics container calls again and again."""
    top = run(JOBS, "top", "--json", env=environment)
    assert top.returncode == 0, top.stderr
    found = run(sys.executable, "-c", environment["SUMMARY"], input=top.stdout)
    assert found.returncode == 0, found.stderr
    summary: dict[str, float] = json.loads(found.stdout)
    return summary


def test_every_metric_is_measured(board: Board, url: str) -> None:
    for _ in range(3):
        board.push("console", "hello")
    here = {"JOBS_REDIS_URL": url, "JOBS_BOARD": board.name, "SUMMARY": SUMMARY}
    found = measure(dict(os.environ) | here)
    assert (found["queued"], found["serving"], found["tasks_per_worker"]) == (3, 0, 3)
    filters = [one["Properties"] for one in RESOURCES.values() if one["Type"] == "AWS::Logs::MetricFilter"]
    measured = set()
    for one in filters:
        (transformation,) = one["MetricTransformations"]
        field = transformation["MetricValue"].removeprefix("$.")
        assert one["FilterPattern"] == f"{{ $.{field} = * }}"
        assert isinstance(found[field], (int, float))
        measured.add(transformation["MetricName"])
    alarms = [one["Properties"] for one in RESOURCES.values() if one["Type"] == "AWS::CloudWatch::Alarm"]
    assert {one["MetricName"] for one in alarms if one.get("Namespace") == {"Ref": "Name"}} <= measured
    scaled = properties("Scaling")["TargetTrackingScalingPolicyConfiguration"][
        "CustomizedMetricSpecification"
    ]
    assert scaled["MetricName"] in measured


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Create the stack in an AWS in memory, which knows neither MemoryDB nor alarms."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        ec2 = boto3.client("ec2")
        subnets = ec2.describe_subnets()["Subnets"]
        parameters = {
            "VpcId": subnets[0]["VpcId"],
            "SubnetIds": ",".join(found["SubnetId"] for found in subnets[:2]),
            "Image": f"123456789012.dkr.ecr.eu-central-1.amazonaws.com/{IMAGE}",
        }
        boto3.client("cloudformation").create_stack(
            StackName="jobs",
            TemplateBody=TEXT.replace("${Redis.ClusterEndpoint.Address}", "redis.internal"),
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        )
        yield


@pytest.mark.timeout(300)  # moto looks at every resource many times
@pytest.mark.filterwarnings("ignore:Tried to parse")
def test_the_stack_is_created(stack: None) -> None:
    ecs = boto3.client("ecs")
    assert len(ecs.list_services(cluster="jobs")["serviceArns"]) == 2
    task = ecs.describe_task_definition(taskDefinition="jobs-worker")["taskDefinition"]
    worker = task["containerDefinitions"][1]
    assert worker["command"] == ["run", "--concurrency", "10", "--drain", "90", "--log", "json"]
    assert worker["readonlyRootFilesystem"] is True
    groups = {
        group["logGroupName"]: group.get("retentionInDays")
        for group in boto3.client("logs").describe_log_groups()["logGroups"]
    }
    assert groups == {"/jobs/worker": 30, "/jobs/metrics": 30}
    iam = boto3.client("iam")
    roles = [found["RoleName"] for found in iam.list_roles()["Roles"]]
    assert len(roles) == 3
    (starter,) = [name for name in roles if "WorkerExecutionRole" in name]
    assert iam.list_role_policies(RoleName=starter)["PolicyNames"] == ["start"]
