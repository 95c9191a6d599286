"""`jobs respond`: any command as a runner."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import jobs_shell
import pytest
from click.testing import CliRunner
from jobs_shell.respond import responder

from jobs_core import Context, OptionError, Outcome, Parent, Runner, Task

HOSTILE = """'; touch pwned; "$(touch pwned)" `touch pwned` $HOME * \\ \n&& touch pwned #"""


def respond(command: str, raw: str) -> Outcome:
    task = Task("a@1", "a", "greet", "greet", 1.0, 1, raw, payload=raw)
    return responder("greet", command).run(task, Context("w"))


def test_the_payload_goes_to_standard_input() -> None:
    assert respond("cat; echo; echo $JOBS_RUNNER", "hello").data["output"] == "hello\ngreet"


def test_the_command_sees_how_the_parents_ended() -> None:
    task = Task("a@1", "a", "greet", "greet", 1.0, 1, "x", parents=(Parent("load", "load@1", "done"),))
    outcome = responder("greet", 'echo "$JOBS_PARENTS"').run(task, Context("w"))
    assert outcome.data["output"] == '[{"job":"load","task":"load@1","outcome":"done"}]'


def test_the_payload_replaces_its_placeholder() -> None:
    outcome = respond("printf '%s|' {payload} to={payload}; cat", "two words")
    assert outcome.data["output"] == "two words|to=two words|"


@pytest.mark.parametrize("command", ["printf %s {payload}", "cat <<.\n{payload}\n."])
def test_payloads_are_never_executed(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = respond(command, HOSTILE)
    assert HOSTILE.strip() in outcome.data["output"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "command", ["echo '{payload}'", 'echo "hi {payload}"', "echo {payload} 'x {payload}'"]
)
def test_a_placeholder_inside_quotes_is_rejected(command: str) -> None:
    with pytest.raises(OptionError, match="outside of quotes"):
        responder("greet", command)


def test_a_failure_is_reported() -> None:
    assert respond("exit 4", "x").code == "4"
    assert respond("echo {payload}", "\0s3cret").note == "the command contains text that exec does not accept"


def test_the_subcommand_serves_the_responder(monkeypatch: pytest.MonkeyPatch) -> None:
    from jobs_core import plugin_cli

    served: list[tuple[list[Runner], dict[str, Any]]] = []
    monkeypatch.setattr(
        plugin_cli, "serve", lambda ctx, runners, **options: served.append((runners, options))
    )
    cli = click.Group()
    jobs_shell.jobs_commands(cli)
    result = CliRunner().invoke(cli, ["respond", "greet", "echo {payload}", "--concurrency", "3"])
    assert result.exit_code == 0, result.output
    (((runner,), options),) = served
    assert runner.name == "greet"
    assert options["concurrency"] == 3
