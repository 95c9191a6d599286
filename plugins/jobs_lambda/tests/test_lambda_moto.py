"""The runner on moto's Lambda, IAM and STS."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from .conftest import REGION, Drive

ROLE = "arn:aws:iam::123456789012:role/jobs"


@pytest.fixture
def there(functions: str) -> Drive:
    """Run a payload on moto's Lambda."""
    return Drive(endpoint=functions)


@pytest.mark.parametrize(
    "function",
    [
        "thumbs",
        "123456789012:function:thumbs",
        f"arn:aws:lambda:{REGION}:123456789012:function:thumbs",
    ],
)
def test_a_function_is_found_by_its_names(there: Any, function: str) -> None:
    outcome = there({"function": function, "event": {"a": 1}})
    assert (outcome.status, outcome.code) == ("done", "200")
    assert outcome.data["body"]


@pytest.mark.parametrize("qualifier", ["$LATEST", "1", "live"])
def test_a_version_or_an_alias(there: Any, qualifier: str) -> None:
    assert there({"function": "thumbs", "qualifier": qualifier}).status == "done"


@pytest.mark.parametrize(("kind", "code"), [("sync", "200"), ("event", "202"), ("dry-run", "204")])
def test_kinds_of_invocation(there: Any, kind: str, code: str) -> None:
    outcome = there({"function": "thumbs", "invocation": kind})
    assert (outcome.status, outcome.code) == ("done", code)


@pytest.mark.parametrize("payload", ["nobody", {"function": "thumbs", "region": "us-west-1"}])
def test_missing_functions_and_versions(strict: str, payload: Any) -> None:
    outcome = Drive(endpoint=strict)(payload)
    assert (outcome.status, outcome.code) == ("failed", "404")


# Roles


def keys(cloud: Any) -> list[str]:
    """Return the access keys that signed the invocations."""
    found = [seen.headers["authorization"] for seen in cloud.seen]
    return [each.partition("Credential=")[2].partition("/")[0] for each in found]


@pytest.fixture
def roles(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """moto's STS issues credentials."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", moto_url)


def test_a_role_is_assumed_once(roles: None, cloud: Any) -> None:
    drive = Drive(endpoint=cloud.url, role=ROLE)
    assert [drive("f").status for _ in range(2)] == ["done"] * 2
    assert drive({"function": "f", "role": f"{ROLE}-2"}).status == "done"
    first, second, other = keys(cloud)
    assert first == second != other
    assert "AKIDEXAMPLE" not in (first, other)
    assert all(seen.headers["x-amz-security-token"] for seen in cloud.seen)


def test_a_role_is_assumed_again_before_its_credentials_expire(
    cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", cloud.url)
    drive = Drive(endpoint=cloud.url, role=ROLE)
    cloud.minutes = 1
    drive("f")
    cloud.minutes = 60
    for _ in range(2):
        drive("f")
    assert keys(cloud) == ["ASIA1", "ASIA2", "ASIA2"]


def test_a_denied_role(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", cloud.url)
    outcome = Drive(endpoint=cloud.url, role=ROLE)("f")
    assert (outcome.status, outcome.code) == ("failed", "403")
    assert outcome.note.startswith("AWS denied access: allow sts:AssumeRole for these credentials")
    assert "s3cret" not in str(outcome)


def test_a_profile(cloud: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    (tmp_path / "credentials").write_text(
        "[shop]\naws_access_key_id = AKIDSHOP\naws_secret_access_key = s3cret\n"
    )
    (tmp_path / "config").write_text("[profile shop]\nregion = ap-south-1\n")
    drive = Drive(endpoint=cloud.url, profile="shop")
    assert drive("f").status == "done"
    assert keys(cloud) == ["AKIDSHOP"]
    assert "/ap-south-1/lambda/" in cloud.seen[0].headers["authorization"]


def test_a_region_of_a_payload_is_signed_for(cloud: Any) -> None:
    drive = Drive(endpoint=cloud.url)
    drive({"function": "f", "region": "us-west-1"})
    drive({"function": f"arn:aws:lambda:{REGION}:123456789012:function:f"})
    found = [seen.headers["authorization"] for seen in cloud.seen]
    assert "/us-west-1/lambda/" in found[0] and f"/{REGION}/lambda/" in found[1]


def test_the_environment_alone_is_enough(functions: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", functions)
    assert Drive()("thumbs").status == "done"


def test_moto_has_the_function(functions: str) -> None:
    """Check with boto3 alone that the functions of the tests above exist."""
    client = boto3.client("lambda", endpoint_url=functions)
    assert client.get_alias(FunctionName="thumbs", Name="live")["FunctionVersion"] == "1"
    client.close()
