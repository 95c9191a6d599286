"""Options with a fixed set of words: Lua accepts exactly those of options.py."""

from __future__ import annotations

import re

import pytest

from jobs_core import OptionError
from jobs_core.options import JOB_OPTIONS
from tests.lua.helpers import Lua

CHOICES = {name: option.choices for name, option in JOB_OPTIONS.items() if option.choices}
BESIDE = {
    "dst": {"cron": "@daily"},
    "on": {"after": "b"},
    "join": {"after": "b"},
    "at-deadline": {"after": "b", "every": "5"},
}
"""Options that each option requires; others require an interval."""


def test_the_options_that_have_choices() -> None:
    assert sorted(CHOICES) == ["at-deadline", "dst", "join", "misfire", "on", "overlap"]


@pytest.mark.parametrize(("name", "choice"), [(name, one) for name, some in CHOICES.items() for one in some])
def test_lua_takes_each_choice(lua: Lua, name: str, choice: str) -> None:
    lua.put(**BESIDE.get(name, {"every": "5"}), **{name: choice})
    assert lua.job().get(name, CHOICES[name][0]) == choice


@pytest.mark.parametrize("name", CHOICES)
def test_lua_names_the_choices_when_it_refuses_another(lua: Lua, name: str) -> None:
    with pytest.raises(OptionError) as refused:
        lua.put(**BESIDE.get(name, {"every": "5"}), **{name: "nonesuch"})
    words = re.findall(r"[a-z]+", str(refused.value).split("'nonesuch'")[-1] or str(refused.value))
    said = set(words) if set(CHOICES[name]) <= set(words) else set(re.findall(r"[a-z]+", str(refused.value)))
    assert set(CHOICES[name]) <= said
