"""Every function that a script calls is one it defines, or one of Lua's own: Redis says so too late."""

from __future__ import annotations

import re

import pytest

from jobs_core.commands import commands

KNOWN = {"pcall", "error", "tostring", "tonumber", "type", "ipairs", "pairs", "unpack", "next", "select"}
WORDS = {"function", "and", "or", "not", "if", "elseif", "while", "until", "return", "in"}


@pytest.mark.parametrize("name", sorted(commands()))
def test_a_script_calls_only_what_it_has(name: str) -> None:
    script = re.sub(r"--\[\[.*?--\]\]|--[^\n]*", "", commands()[name].script, flags=re.DOTALL)
    script = re.sub(r"'(\\.|[^'\\\n])*'|\"(\\.|[^\"\\\n])*\"", "''", script)
    called = set(re.findall(r"(?<![.:\w])(\w+)\s*\(", script))
    defined = set(re.findall(r"local function (\w+)", script))
    names = re.findall(r"local ([\w, ]+)=|function \w*\(([^)]*)\)|for ([\w, ]+) in", script)
    defined |= {word for groups in names for word in re.findall(r"\w+", " ".join(groups))}
    assert called <= KNOWN | WORDS | defined
