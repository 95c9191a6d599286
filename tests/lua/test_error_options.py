"""The option of an error: `JOBS OPTION <name>: <sentence>`, and `error.option` in the clients."""

from __future__ import annotations

import re
from importlib import resources
from typing import Any

import pytest

from jobs_core import NotFoundError, OptionError, PayloadError, UserError
from jobs_core.options import JOB_OPTIONS
from tests.lua.helpers import Lua

BODY = re.compile(r"fail\('(?:OPTION|PAYLOAD)', *(?P<quote>['\"])(?P<text>.*?)(?P=quote)")


def lua_sources() -> str:
    """The text of all Lua files of the engine."""
    folder = resources.files("jobs_core") / "lua"
    waiting, found = [folder], []
    while waiting:
        for one in waiting.pop().iterdir():
            if one.is_dir():
                waiting.append(one)
            elif one.name.endswith(".lua"):
                found.append(one.read_text("utf-8"))
    return "\n".join(found)


def test_an_error_about_no_option_does_not_begin_with_a_word_and_a_colon() -> None:
    texts = [found["text"] for found in BODY.finditer(lua_sources())]
    assert len(texts) > 10
    assert [text for text in texts if re.match(r"[\w-]+: ", text) and not text.startswith("payload: ")] == []


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("every", "soon"),
        ("cron", "61 * * * *"),
        ("at", "tomorrow"),
        ("timeout", "long"),
        ("backoff", "sometimes"),
        ("retry-on", "a b"),
        ("priority", "10"),
        ("after", "a"),
        ("overlap", "maybe"),
        ("evry", "5"),
    ],
)
def test_an_error_names_its_option(lua: Lua, option: str, value: Any) -> None:
    with pytest.raises(OptionError) as caught:
        lua.call("JSET", "a", "echo", "x", option, value)
    assert caught.value.option == option
    assert str(caught.value).startswith(f"{option}: ")


def test_a_payload_that_is_too_large_is_about_the_payload(lua: Lua) -> None:
    with pytest.raises(PayloadError) as caught:
        lua.call("JSET", "a", "echo", "x" * ((1 << 20) + 1))
    assert caught.value.option == "payload"


@pytest.mark.parametrize("call", [("JGET",), ("JMSET", "put"), ("JREGISTER", "me"), ("JPAUSE", "every: 5")])
def test_an_error_about_the_whole_call_names_no_option(lua: Lua, call: tuple[str, ...]) -> None:
    with pytest.raises((OptionError, NotFoundError)) as caught:
        lua.call(*call)
    assert caught.value.option is None


def test_a_name_that_is_no_option_s_cannot_pass_for_one(lua: Lua) -> None:
    with pytest.raises(UserError, match="unknown option 'every: 5'") as caught:
        lua.call("JSET", "a", "echo", "x", "every: 5", 1)
    assert caught.value.option is None


def test_options_that_redis_reports_are_known_to_the_table(lua: Lua) -> None:
    for name in JOB_OPTIONS:
        with pytest.raises(OptionError) as caught:
            lua.call("JSET", "a", "echo", "x", name)
        assert caught.value.option == name
