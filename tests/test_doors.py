"""The public modules of jobs_core: plugins import only these, and their names exist."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import jobs_core

ROOT = Path(__file__).parent.parent
DOORS = ("jobs_core", "jobs_core.testing", "jobs_core.plugin_cli", "jobs_core.plugin_ui")

SOURCES = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for folder in ("plugins", "examples")
    for path in (ROOT / folder).rglob("*.py")
    if ".venv" not in path.parts
}
TEMPLATES = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for path in (ROOT / "jobs_core/scaffold").rglob("*.py.in")
}
EXAMPLES = {
    f"{path.relative_to(ROOT).as_posix()}:{number}": block
    for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "plugins").glob("*/README.md"))
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", path.read_text("utf-8"), re.DOTALL))
}


def imported(source: str) -> Iterator[tuple[str, str]]:
    """What of jobs_core a source imports: module and name, also inside text, such as a program to run."""
    for module in re.findall(r"^\s*import (jobs_core[\w.]*)", source, re.MULTILINE):
        yield module, ""
    for module, names in re.findall(
        r"^\s*from (jobs_core[\w.]*) import (\([^)]*\)|.*)$", source, re.MULTILINE
    ):
        for name in re.sub(r"#.*", "", names).strip("()").split(","):
            if name.strip():
                yield module, name.split(" as ")[0].strip().rstrip('"')


def refused(source: str) -> list[str]:
    """Return the non-public imports of a source."""
    return [
        f"{module}: {name}".rstrip(": ")
        for module, name in imported(source)
        if f"{module}.{name}" not in DOORS
        and (module not in DOORS or (name and name not in import_module(module).__all__))
    ]


@pytest.mark.parametrize("sources", [SOURCES, TEMPLATES, EXAMPLES], ids=["plugins", "scaffold", "docs"])
def test_plugins_import_only_public_modules(sources: dict[str, str]) -> None:
    assert any(list(imported(source)) for source in sources.values())
    assert {place: found for place, source in sources.items() if (found := refused(source))} == {}


@pytest.mark.parametrize(
    "line",
    [
        "import jobs_core.worker",
        "from jobs_core.errors import OptionError",
        "    from jobs_core.cli.common import (\n    connected,\n)",
        "from jobs_core import Task, errors",
        "from jobs_core.testing import stage",
    ],
)
def test_other_imports_are_refused(line: str) -> None:
    assert refused(line)


def test_public_names_exist() -> None:
    assert set(jobs_core.__all__) <= set(dir(jobs_core))
    for door in DOORS:
        module = import_module(door)
        for name in module.__all__:
            assert getattr(module, name) is not None, f"{door}.{name}"


@pytest.mark.parametrize("door", ["jobs_core", "jobs_core.plugin_cli", "jobs_core.plugin_ui"])
def test_modules_for_plugins_do_not_import_redis(door: str) -> None:
    script = (
        f"import sys, {door}; dir({door}); print(*{{'redis', 'rich', 'yaml', 'pytest'}} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
