"""The whole site: generated files are up to date, references exist, and nothing is missing."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import jobs_core
from docs_tools.commands import every_command, help_text
from docs_tools.pages import written
from docs_tools.settings import VARIABLES
from docs_tools.signatures import RETURNS, signatures
from jobs_core.cli import cli
from jobs_core.cli.backfill import BackfillGroup
from jobs_core.engine.build import commands
from jobs_core.options import JOB_OPTIONS, PUSH_OPTIONS
from tests.docs.page import blocks, is_whole
from tests.helpers import Jobs

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
GUIDES = "\n".join(path.read_text("utf-8") for path in [*DOCS.glob("*.md"), *DOCS.glob("guides/*.md")])


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", sorted(written()), ids=name)
def test_generated_files_are_up_to_date(path: Path) -> None:
    assert path.read_text("utf-8") == written()[path], "run scripts/docs"


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").split()) <= 1500


@pytest.mark.parametrize("option", sorted(JOB_OPTIONS.keys() | PUSH_OPTIONS.keys()))
def test_the_reference_explains_every_option(option: str) -> None:
    """The reference has all options in generated tables."""
    assert f"| `{option}` |" in (DOCS / "reference/options.md").read_text("utf-8")


def test_every_command_is_in_a_guide() -> None:
    named = set(re.findall(r"\bjobs? ([a-z]+)", GUIDES))
    assert {command for command in cli.commands if not cli.commands[command].hidden} - named == set()


def test_every_public_name_is_in_the_reference() -> None:
    page = (DOCS / "reference/python.md").read_text("utf-8")
    assert {
        found for found in jobs_core.__all__ if f"jobs_core.{found}" not in page and f"`{found}`" not in page
    } == set()


def test_every_environment_variable_is_in_the_reference() -> None:
    read = re.compile(r'(?:environ[^\n]*|envvar=)"(JOBS_[A-Z_]+)"')
    found = {
        variable
        for path in (ROOT / "jobs_core").rglob("*.py")
        for variable in read.findall(path.read_text("utf-8"))
    }
    assert found == set(VARIABLES)


def test_every_lua_command_has_a_row() -> None:
    assert set(RETURNS) == set(commands())
    assert signatures(commands()["JPUSH"].source) == [
        "runner payload [option value …]",
        "id [option value …]",
    ]
    assert signatures(commands()["JCOUNT"].source) == [""]


def examples() -> Iterator[tuple[str, str]]:
    for command, path in every_command():
        for line in help_text(command)[1].splitlines():
            yield path, line


@pytest.mark.parametrize(("path", "line"), list(examples()))
def test_the_examples_of_the_help_are_understood(
    path: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parse each command without running it."""
    calls = re.split(r"(?:[<>|&]|\s#\s).*$|^.* \| (?=jobs )", line)
    words = shlex.split(next(call for call in calls if call.strip()).partition(" #")[0])
    if not words or words[0] != "jobs":
        return
    for file in ("board.yml", "board.jsonl", "/etc/crontab"):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "file").touch()
        words = ["file" if word.startswith(file) or ("*" in word and "/" in word) else word for word in words]
    parse(words[1:])


def parse(words: list[str]) -> None:
    """Parse the words of a command as it would, and do nothing."""
    group: click.Command = cli
    context = click.Context(cli)
    while isinstance(group, click.Group):
        if group.invoke_without_command and (not words or words[0].startswith("-")):
            break
        words = group.with_command(words) if isinstance(group, BackfillGroup) else words
        found = group.get_command(context, words[0])
        assert found is not None, words
        group, words = found, words[1:]
    with group.make_context("jobs", words):
        pass


@pytest.mark.parametrize("page", sorted((ROOT / "plugins").glob("*/README.md")), ids=name)
def test_the_commands_of_a_plugin_page_are_understood(page: Path, jobs: Jobs) -> None:
    """Put the jobs, which checks their payloads. Commands that need AWS or the network are only parsed."""
    text = re.sub(r"^    ", "", page.read_text("utf-8"), flags=re.MULTILINE)
    start = re.compile(r"^(?:[A-Z_]+=\S+ )*jobs [a-z].*$", re.MULTILINE)
    found = 0
    for match in start.finditer(text):
        lines = text[match.start() :].splitlines()
        size = next(n for n in range(1, len(lines) + 1) if is_whole("\n".join(lines[:n])))
        words = shlex.split("\n".join(lines[:size]).replace("\\\n", " "), comments=True)
        words = words[words.index("jobs") + 1 :]
        if words[0] == "put":
            result = jobs(*words)
            assert result.exit_code == 0, result.output
        else:
            parse(words)
        found += 1
    assert found >= 2


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_are_valid(page: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        if anchor and file.suffix == ".md":
            assert anchor in anchors(file), target


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as Markdown makes them."""
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in headings}


def test_every_page_is_in_the_navigation() -> None:
    nav = (ROOT / "mkdocs.yml").read_text("utf-8")
    for path in DOCS.rglob("*.md"):
        assert f": {path.relative_to(DOCS).as_posix()}" in nav


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_public_modules_only(page: Path) -> None:
    """Modules that are not public may move at any time."""
    allowed = {"jobs_core", "jobs_core.testing", "jobs_core.plugin_cli", "jobs_core.plugin_ui"}
    for block in blocks(page.read_text("utf-8")):
        if block.language == "python":
            assert set(re.findall(r"(?:from|^import) (jobs_core[\w.]*)", block.text, re.MULTILINE)) <= allowed
