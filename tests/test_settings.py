"""Settings of plugins: from the environment, `jobs.toml` or their defaults."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import install, jobs_process

PLUGIN = """
    from jobs_core import Setting, hookimpl

    @hookimpl
    def jobs_settings():
        yield Setting("hello_greeting", "hello", "What to say")
        yield Setting("hello_times", 1, "How often")
        yield Setting("hello_loud", False, "Whether to shout")
        yield Setting("hello_names", ["world"], "Whom to greet")
        yield Setting("hello_token", None, "A secret", secret=True)
"""

Settings = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Call `jobs settings --json`, with the plugin above, a file and variables."""
    install(tmp_path, "hello", PLUGIN)

    def call(toml: str = "", **variables: str) -> tuple[int, dict[str, Any], str]:
        (tmp_path / "jobs.toml").write_text(toml)
        config = {"JOBS_CONFIG": str(tmp_path / "jobs.toml")}
        process = jobs_process("settings", "--json", path=tmp_path, **(config | variables))
        out, err = process.communicate(timeout=60)
        found = [line for line in map(json.loads, out.splitlines()) if line["plugin"] == "hello"]
        return process.returncode, {line["name"]: line for line in found}, err

    return call


def test_defaults(settings: Settings) -> None:
    _, found, _ = settings()
    assert [(name, one["value"], one["source"], one["plugin"]) for name, one in found.items()] == [
        ("hello_greeting", "hello", "default", "hello"),
        ("hello_loud", False, "default", "hello"),
        ("hello_names", ["world"], "default", "hello"),
        ("hello_times", 1, "default", "hello"),
        ("hello_token", None, "default", "hello"),
    ]


def test_the_environment_overrides_the_file(settings: Settings, tmp_path: Path) -> None:
    toml = '[settings]\nhello_greeting = "hi"\nhello_times = 3\nhello_loud = true\nhello_names = ["a", "b"]\n'
    _, found, _ = settings(toml, JOBS_HELLO_TIMES="5", JOBS_HELLO_NAMES="c, d")
    assert {name: one["value"] for name, one in found.items() if one["value"]} == {
        "hello_greeting": "hi",
        "hello_times": 5,
        "hello_loud": True,
        "hello_names": ["c", "d"],
    }
    assert found["hello_times"]["source"] == "JOBS_HELLO_TIMES"
    assert found["hello_greeting"]["source"] == str(tmp_path / "jobs.toml")


def test_a_secret_is_not_shown(settings: Settings) -> None:
    _, found, err = settings(JOBS_HELLO_TOKEN="hunter2")
    assert found["hello_token"]["value"] == "(secret)"
    assert "hunter2" not in json.dumps(found) + err


@pytest.mark.parametrize(
    ("toml", "variables", "says"),
    [
        ("", {"JOBS_HELLO_TIMES": "often"}, "JOBS_HELLO_TIMES: expected a whole number, got 'often'"),
        ("[settings]\nhello_loud = 7\n", {}, "hello_loud: expected true or false, got 7"),
        ("[settings]\nhello_greting = 1\n", {}, "'hello_greting' (did you mean 'hello_greeting'?)"),
        ("settings = 3\n", {}, "expected [settings] to be a table"),
        ("[settings\n", {}, "jobs.toml: cannot read the file"),
        (
            "",
            {"JOBS_CONFIG": "/nowhere/jobs.toml"},
            "JOBS_CONFIG: there is no file '/nowhere/jobs.toml'",
        ),
    ],
)
def test_mistakes(settings: Settings, toml: str, variables: dict[str, str], says: str) -> None:
    code, found, err = settings(toml, **variables)
    assert (code, found) == (2, {})
    assert says in err and err.count("\n") == 1


def test_no_plugins_loads_none(tmp_path: Path) -> None:
    install(tmp_path, "hello", PLUGIN)
    process = jobs_process("--no-plugins", "plugins", "--json", path=tmp_path)
    out, err = process.communicate(timeout=60)
    assert [json.loads(line)["name"] for line in out.splitlines()] == ["builtin"], err
