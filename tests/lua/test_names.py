"""Every function that a script calls is one it defines, or one of Lua's own: Redis says so too late."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from jobs_core.commands import _collect, commands

KNOWN = {"pcall", "error", "tostring", "tonumber", "type", "ipairs", "pairs", "unpack", "next", "select"}
WORDS = {"function", "and", "or", "not", "if", "elseif", "while", "until", "return", "in"}


LUA = Path(__file__).parent.parent.parent / "jobs_core" / "lua"


def collected(fragment: str) -> list[str]:
    """A fragment, after all that it includes."""
    found: dict[str, str] = {}
    _collect(fragment, found)
    return [*found.values(), fragment]


SCRIPTS = {name: command.script for name, command in commands().items()}
FRAGMENTS = {
    path.stem: "\n".join(collected(path.read_text("utf-8")))
    for path in sorted(LUA.joinpath("include").glob("*.lua"))
}


@pytest.mark.parametrize("script", [*SCRIPTS.values(), *FRAGMENTS.values()], ids=[*SCRIPTS, *FRAGMENTS])
def test_a_script_calls_only_what_it_has(script: str) -> None:
    script = re.sub(r"--\[\[.*?--\]\]|--[^\n]*", "", script, flags=re.DOTALL)
    script = re.sub(r"'(\\.|[^'\\\n])*'|\"(\\.|[^\"\\\n])*\"", "''", script)
    called = set(re.findall(r"(?<![.:\w])(\w+)\s*\(", script))
    defined = set(re.findall(r"function (\w+)", script))
    for name in re.findall(r"(?<!local )\bfunction (\w+)\(", script):
        assert re.search(rf"local {name}\n", script), f"{name} is a global"
    names = re.findall(r"local ([\w, ]+)=|function [\w.]*\(([^)]*)\)|for ([\w, ]+) in", script)
    defined |= {word for groups in names for word in re.findall(r"\w+", " ".join(groups))}
    assert called <= KNOWN | WORDS | defined
