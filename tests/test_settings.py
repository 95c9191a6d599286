"""Settings of plugins: from the environment, `jobs.toml` or their defaults."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs_core import Board, Setting
from jobs_core.plugins.manager import Plugins
from jobs_core.plugins.settings import read as read_settings
from tests.helpers import Jobs, install, jobs_process

PLUGIN = """
    from jobs_core import Setting, hookimpl

    @hookimpl
    def jobs_settings():
        yield Setting("hello_greeting", "hello", "What to say")
        yield Setting("hello_times", 1, "How often")
        yield Setting("hello_loud", False, "Whether to shout")
        yield Setting("hello_names", ["world"], "Whom to greet")
        yield Setting("hello_token", None, "A secret", secret=True)
        yield Setting("hello", {}, "Whom to greet how", secret=True)
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
        ("hello", {}, "default", "hello"),
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


def test_a_table_has_entries_of_the_file_and_of_variables(settings: Settings, tmp_path: Path) -> None:
    toml = '[settings.hello]\nAnn-Lee = ["hi"]\nbob = "hunter1"\n'
    _, found, err = settings(toml, JOBS_HELLO_BOB="hunter2", JOBS_HELLO_TIMES="2", JOBS_HELLO_CAT="hunter3")
    table = found["hello"]
    assert table["value"] == {"ann_lee": "(secret)", "bob": "(secret)", "cat": "(secret)"}
    assert table["source"] == f"{tmp_path / 'jobs.toml'}, JOBS_HELLO_BOB, JOBS_HELLO_CAT"
    assert found["hello_times"]["value"] == 2
    assert "hunter" not in json.dumps(found) + err


def test_a_variable_goes_before_the_file_in_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "jobs.toml").write_text('[settings.greet]\nann = ["a", "b"]\nbob = "x"\n')
    monkeypatch.setenv("JOBS_CONFIG", str(tmp_path / "jobs.toml"))
    monkeypatch.setenv("JOBS_GREET_BOB", "y")
    found = read_settings([("greet", Setting("greet", {})), ("greet", Setting("greet_loud", False))])
    assert found.values[0].value == {"ann": ["a", "b"], "bob": "y"}
    assert found.problems == []


@pytest.mark.parametrize(
    ("toml", "variables", "says"),
    [
        ("[settings]\nhello = 7\n", {}, "jobs.toml: expected [settings.hello] to be a table"),
        ("", {"JOBS_HELLO_TIMES": "often"}, "JOBS_HELLO_TIMES: expected a whole number, got 'often'"),
        ("[settings]\nhello_loud = 7\n", {}, "hello_loud: expected true or false, got 7"),
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


@pytest.mark.parametrize(
    ("toml", "variables", "says"),
    [
        (
            "[settings]\nhello_greting = 1\n",
            {},
            "jobs.toml: there is no setting 'hello_greting' (did you mean 'hello_greeting'?)",
        ),
        ("[settings]\nzzz = 1\n", {}, "jobs.toml: there is no setting 'zzz'; no plugin here declares it"),
        ("hello_times = 3\n", {}, "jobs.toml: there is no section [settings], so no setting has an effect"),
        ("times = 3\n[settings]\n", {}, "only the section [settings] has an effect; move 'times' into it"),
        (
            "",
            {"JOBS_DISABLE_PLUGINS": "helo, http"},
            "JOBS_DISABLE_PLUGINS: there is no plugin 'helo' (did you mean 'hello'?)",
        ),
    ],
)
def test_what_has_no_effect_is_a_warning(
    settings: Settings, toml: str, variables: dict[str, str], says: str
) -> None:
    code, found, err = settings(toml, **variables)
    assert code == 0, err
    assert found["hello_times"]["value"] == 1
    (warning,) = err.splitlines()
    assert warning.startswith("Warning: ")
    assert says in warning


def test_what_has_no_effect_is_a_problem_for_doctor(
    jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "other.toml"
    path.write_text("[settings]\nlog_fil = 3\n")
    monkeypatch.setenv("JOBS_CONFIG", str(path))
    result = jobs("doctor", "--json")
    (finding,) = [line for line in map(json.loads, result.stdout.splitlines()) if line["check"] == "settings"]
    assert (result.exit_code, finding["state"]) == (1, "problem")
    assert f"{path}: there is no setting 'log_fil' (did you mean 'log_file'?)" in finding["note"]
    monkeypatch.setenv("JOBS_DISABLE_PLUGINS", "htp")
    (first, _) = Plugins.load().setting_problems()
    assert first == "JOBS_DISABLE_PLUGINS: there is no plugin 'htp' (did you mean 'http'?)"


def test_settings_of_a_plugin_that_is_left_out_are_no_mistake(settings: Settings) -> None:
    _, _, err = settings("[settings]\nhello_times = 3\n", JOBS_DISABLE_PLUGINS="hello")
    assert err == ""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `jobs.toml` in the current directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JOBS_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    path = tmp_path / "jobs.toml"
    path.write_text('[settings]\nlog_file = "mine.log"\n')
    return path


def test_a_file_in_the_current_directory_is_named_once(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plugins = Plugins.load()
    assert plugins.settings()["log_file"] == "mine.log"
    assert plugins.settings()["log_file"] == "mine.log"
    assert capsys.readouterr().err == f"Using the settings in {here}\n"


@pytest.mark.parametrize(
    "command",
    ["list", "put a http http://127.0.0.1/", "push shell date", "doctor", "plugins", "board check FILE"],
)
def test_every_command_names_the_file_and_what_has_no_effect(jobs: Jobs, here: Path, command: str) -> None:
    here.write_text("[settings]\nlog_fil = 3\n")
    (here.parent / "FILE").write_text("jobs: {}")
    lines = jobs(*command.split()).stderr.splitlines()
    assert lines.count(f"Using the settings in {here}") == 1
    assert sum(line.startswith("Warning: jobs.toml: there is no setting 'log_fil'") for line in lines) == 1


@pytest.mark.parametrize("command", ["list", "plugins"])
def test_every_command_warns_of_unknown_plugins(url: str, tmp_path: Path, command: str) -> None:
    process = jobs_process(command, path=tmp_path, JOBS_REDIS_URL=url, JOBS_DISABLE_PLUGINS="htp")
    _, err = process.communicate(timeout=60)
    assert err == "Warning: JOBS_DISABLE_PLUGINS: there is no plugin 'htp' (did you mean 'http'?)\n"


def test_a_board_names_the_file_that_its_timeouts_come_from(
    here: Path, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    here.write_text("log_file = 3\n")
    for _ in range(2):
        Board(url=url).close()
    first, second = capsys.readouterr().err.splitlines()
    assert first == f"Using the settings in {here}"
    assert second.startswith("Warning: jobs.toml: there is no section [settings]")


@pytest.mark.parametrize("words", [("--help",), ("--version",), ("put", "--help"), ("explain", "* * * * *")])
def test_commands_without_settings_are_free_of_warnings(
    jobs: Jobs, here: Path, words: tuple[str, ...]
) -> None:
    assert jobs(*words).stderr == ""


def test_doctor_names_the_file(jobs: Jobs, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def note() -> str:
        found = map(json.loads, jobs("doctor", "--json").stdout.splitlines())
        (line,) = (line for line in found if line["check"] == "settings")
        return str(line["note"])

    assert note() == f"using {here}; all settings have an effect"
    here.unlink()
    assert note() == "using no settings file; all settings have an effect"


def test_a_file_that_all_may_write_is_ignored(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here.chmod(0o666)
    assert Plugins.load().settings()["log_file"] == "jobs.log"
    assert f"Ignoring the settings in {here}: every user may write to it" in capsys.readouterr().err


@pytest.mark.parametrize(("mine", "used"), [(True, True), (False, False)])
def test_a_file_of_another_user_is_ignored(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], mine: bool, used: bool
) -> None:
    real = Path.stat

    def stat(path: Path, **options: bool) -> os.stat_result:
        fields = list(real(path, **options))
        fields[4] = 1234  # st_uid
        return os.stat_result(fields)

    monkeypatch.setattr(Path, "stat", stat)
    monkeypatch.setattr(os, "getuid", lambda: 1234 if mine else 1235)
    assert (Plugins.load().settings()["log_file"] == "mine.log") is used
    says = "Using the settings" if used else "it belongs to another user"
    assert says in capsys.readouterr().err


def test_a_file_that_is_named_is_used_whoever_owns_it(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here.chmod(0o666)
    monkeypatch.setenv("JOBS_CONFIG", str(here))
    assert Plugins.load().settings()["log_file"] == "mine.log"
    assert capsys.readouterr().err == ""


def test_no_plugins_loads_none(tmp_path: Path) -> None:
    install(tmp_path, "hello", PLUGIN)
    process = jobs_process("--no-plugins", "plugins", "--json", path=tmp_path)
    out, err = process.communicate(timeout=60)
    assert [json.loads(line)["name"] for line in out.splitlines()] == ["builtin"], err
