"""The claims of the documents and the help are true."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

import jobs_core
from jobs_core.cli import cli
from jobs_core.engine.build import commands

ROOT = Path(__file__).parent.parent


def every_command() -> list[click.Command]:
    context = click.Context(cli)
    return [command for name in cli.list_commands(context) if (command := cli.get_command(context, name))]


def test_all_lists_every_public_name() -> None:
    things = vars(jobs_core).items()
    ours = {name for name, thing in things if getattr(thing, "__module__", "").startswith("jobs_core.")}
    assert ours <= set(jobs_core.__all__)
    assert all(hasattr(jobs_core, name) for name in jobs_core.__all__)


@pytest.mark.parametrize("command", every_command(), ids=lambda command: command.name)
def test_help_teaches_by_example(command: click.Command) -> None:
    assert f"jobs {command.name}" in (command.help or "") or f"job {command.name}" in (command.help or "")


@pytest.mark.parametrize("command", every_command(), ids=lambda command: command.name)
def test_every_option_of_a_command_is_explained(command: click.Command) -> None:
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_lua_command_has_a_header(name: str) -> None:
    text = (ROOT / "jobs_core/lua" / f"{name.lower()}.lua").read_text()
    header = text.split("--]]")[0]
    assert f"{name} board" in header
    assert re.search(rf"{name} 1 {{jobs(\.\d+)?}}", header)
    assert "Returns" in header or "1)" in header or name in ("JCOUNT", "JSTATS")


def test_help_and_version_import_neither_redis_nor_rich() -> None:
    for flag in ("--help", "--version"):
        script = (
            "import sys, jobs_core.cli as c\n"
            "try: c.main()\n"
            "except SystemExit: pass\n"
            "sys.exit(sorted({'redis', 'rich', 'yaml', 'requests', 'boto3'} & set(sys.modules)) or 0)"
        )
        done = subprocess.run(
            [sys.executable, "-c", script, flag], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def test_the_examples_are_board_files() -> None:
    from jobs_core import boardfile as boards

    files = sorted((ROOT / "examples").glob("*.yml"))
    assert files
    for path in files:
        assert boards.read_valid(path).boards, path


def test_the_plugins_of_the_workspace_are_checked() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    checked = settings["tool"]["mypy"]["files"]
    for plugin in (ROOT / "plugins").iterdir():
        assert f"plugins/{plugin.name}/src" in checked
