"""The builder: it resolves modules in order, and rejects what Redis would reject or misread later."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator

import pytest
import redis

from jobs_core.engine import build, on_demand
from jobs_core.engine.build import (
    BuildError,
    Source,
    as_source,
    build_command,
    build_library,
    check,
    in_order,
)

OWN = build.read_sources(build.resources.files("jobs_core").joinpath("lua"))
"""The sources of the engine."""


def sources(**texts: str) -> dict[str, Source]:
    """Modules by name, with _ for the dot. Top-level modules are commands."""
    named = {name.replace("_", "."): text for name, text in texts.items()}
    return {name: as_source(name, text) for name, text in named.items()}


RUN = """\
local command = {}
function command.run(body, board, args) return body(board, args) end
return command"""


def test_a_module_is_included_once_after_its_requirements() -> None:
    found = sources(
        a_top="local l = require 'a.left'\nlocal r = require('a.right')\nreturn {}",
        a_left="local b = require 'a.base'\nreturn {}",
        a_right="local f = require('a.base').f\nreturn {}",
        a_base="return {}",
    )
    assert in_order(["a.top"], found) == ["a.base", "a.left", "a.right", "a.top"]


def test_a_cycle_is_rejected_and_shown() -> None:
    found = sources(
        a_x="local y = require 'a.y'\nreturn {}",
        a_y="local z = require 'a.z'\nreturn {}",
        a_z="local y = require 'a.y'\nreturn {}",
    )
    with pytest.raises(BuildError, match=r"^Modules require each other: a.y requires a.z requires a.y$"):
        in_order(["a.x"], found)


def test_a_missing_module_is_rejected() -> None:
    with pytest.raises(BuildError, match=r"^a.x requires a.nothing, which does not exist$"):
        in_order(["a.x"], sources(a_x="local n = require 'a.nothing'\nreturn {}"))


def test_require_in_a_comment_is_ignored() -> None:
    text = "-- local x = require 'a.gone'\n--[[ require 'a.gone' --]]\nreturn {}"
    assert as_source("a.x", text).requires == ()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("local n = string.rep('x', 3)\nreturn {}", "string"),
        ("for i, v in ipairs({}) do local x = v end\nreturn {}", "ipairs"),
        ("local ok = pcall(function() return redis.call('TIME') end)\nreturn {}", "pcall"),
        ("total = 1\nreturn {}", "total"),
        ("function total() return 1 end\nreturn {}", "total"),
        ("local t = { size = math.huge }\nreturn t", "math"),
        ("if redis then local x = 1 end\nreturn {}", "redis"),
        ("local function f() return string.rep('x', 3) end\nlocal n = tonumber('1')\nreturn {}", "tonumber"),
        ("local f = function(a) while a do a = next(a) end end\nreturn tostring(f)", "tostring"),
    ],
)
def test_a_global_used_while_loading_is_refused(text: str, names: str) -> None:
    with pytest.raises(BuildError, match=rf"^a.x: uses {names} while it loads"):
        check(as_source("a.x", text))


@pytest.mark.parametrize(
    "text",
    [
        "local t = { string = 1, ipairs = 2 }\nt.pcall = 3\nreturn t",
        "local function f(a) if a then return ipairs(a) elseif not a then return pcall(f) end end\nreturn f",
        "local t = {}\nfor i = 1, 3 do t[i] = i end\nreturn t",
        "local t = {}\nfunction t.f(x) repeat x = tonumber(x) until x return x end\nlocal n = 1\nreturn t",
        "local text = 'ipairs(string)'\nreturn { text = text }",
    ],
)
def test_a_module_that_only_defines_is_accepted(text: str) -> None:
    check(as_source("a.x", text))


def test_the_engine_uses_no_global_while_it_loads() -> None:
    for source in OWN.values():
        check(source)


def test_a_script_contains_only_the_modules_it_needs() -> None:
    found = sources(
        base_command=RUN,
        a_used="return { n = 7 }",
        a_other="return {}",
        jone="#!lua flags=no-writes\nlocal used = require 'a.used'\nreturn function() return used.n end",
        jtwo="#!lua\nlocal other = require 'a.other'\nreturn function() return 2 end",
    )
    command = build_command("jone", found)
    assert (command.name, command.flags, command.only_reads) == ("JONE", "no-writes", True)
    assert command.modules == ("base.command", "a.used")
    assert "a.other" not in command.script
    assert command.script.startswith("#!lua flags=no-writes\n")


@pytest.mark.parametrize(
    "use",
    [
        "local function f(left) return left.x end\nreturn { f = f }",
        "local function f(left, more) return left, more end\nreturn { f = f }",
        "local function f() local more, left = 1, {} return left.x end\nreturn { f = f }",
        "local function f() for _, left in ipairs({}) do return left.x end end\nreturn { f = f }",
        "local function f() return pairs(left) end\nreturn { f = f }",
        "local function f() return left['x'] end\nreturn { f = f }",
    ],
)
def test_a_required_module_that_is_used_otherwise_than_by_its_fields_is_refused(use: str) -> None:
    with pytest.raises(BuildError, match=r"^a.x: left must stand for the required module alone"):
        check(as_source("a.x", f"local left = require 'a.left'\n{use}"))


def test_fields_keys_and_texts_may_have_the_name_of_a_required_module() -> None:
    text = "local left = require 'a.left'\n"
    text += "return { left = 1, f = function(t) return t.left.x, 'left.x', left.y end }"
    check(as_source("a.x", text))
    assert re.sub(r"\d{2,}", "N", on_demand.with_fields(text)) == (
        "return { left = 1, f = function(t) return t.left.x, 'left.x', modules[N].y end }"
    )


def test_modules_have_numbers_of_their_own() -> None:
    assert len({on_demand.field(name) for name in OWN}) == len(OWN)


SERVERS = ["url", "other_url"]


@pytest.fixture(params=SERVERS)
def client(request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(str(request.getfixturevalue(request.param)), decode_responses=True) as found:
        yield found


LAZY = """#!lua
local first = require 'a.first'
local second = require 'a.second'
local broken = require 'a.broken'
local start = require('a.start').value
return function(board, args)
  if args[1] == 'broken' then return broken.x end
  first.add(start)
  return { (args[1] == 'second' and second or first).name, first.add(1), second.add(1) }
end"""


@pytest.mark.parametrize("name", ["first", "second"])
def test_a_module_of_a_script_runs_once_when_it_is_first_used(client: redis.Redis, name: str) -> None:
    found = sources(
        base_command=RUN,
        a_first="local n = 0\nlocal first = { name = 'first' }\n"
        "function first.add(more) n = n + more return n end\nreturn first",
        a_second="local first = require 'a.first'\nlocal second = { name = 'second' }\n"
        "function second.add(more) return first.add(more) end\nreturn second",
        a_broken="local broken = nil + 1\nreturn broken",
        a_start="return { value = 40 }",
        jlazy=LAZY,
    )
    script = build_command("jlazy", found).script
    assert client.eval(script, 1, "{b}", name) == [name, 41, 42]
    assert client.eval(script, 1, "{b}", name) == [name, 41, 42]
    with pytest.raises(redis.ResponseError, match="arithmetic"):
        client.eval(script, 1, "{b}", "broken")


def test_a_library_runs_its_commands(client: redis.Redis) -> None:
    name = f"test{uuid.uuid4().hex[:8]}"
    found = sources(
        base_command=RUN,
        a_used="local used = {}\nfunction used.twice(text) return string.rep(text, 2) end\nreturn used",
        jtwice="#!lua\nlocal used = require 'a.used'\n"
        "return function(board, args) return board .. used.twice(args[1]) end",
    )
    text = build_library(found, 1).replace("name=jobs", f"name={name}")
    text = text.replace("'JVERSION'", f"'V{name}'").replace("'JTWICE'", f"'T{name}'")
    client.function_load(text)
    assert client.fcall(f"T{name}", 1, "{b}", "ho") == "{b}hoho"
    assert client.fcall_ro(f"V{name}", 0)[0] == 1
    client.function_delete(name)


def test_three_hundred_more_functions_still_load(client: redis.Redis) -> None:
    name = f"test{uuid.uuid4().hex[:8]}"
    found = dict(OWN)
    for number in range(300):
        found[f"more.m{number}"] = as_source(
            f"more.m{number}", f"local m = {{}}\nfunction m.f{number}() return {number} end\nreturn m"
        )
    requires = "\n".join(f"M.m{number} = require 'more.m{number}'" for number in range(300))
    found["jmore"] = as_source(
        "jmore", f"#!lua\nlocal M = {{}}\n{requires}\nreturn function() return M.m299.f299() end"
    )
    text = build_library(found).replace("name=jobs", f"name={name}")
    text = re.sub(r"register\('J", f"register('X{name}", text).replace("'JVERSION'", f"'V{name}'")
    client.function_load(text)
    assert client.fcall(f"X{name}MORE", 1, f"{{{name}}}") == 299
    client.function_delete(name)


def test_the_sources_have_no_cycle() -> None:
    assert len(build.commands()) > 20
    assert build.library().startswith("#!lua name=jobs\n")
    assert all(len(command.script) < 327_680 for command in build.commands().values())
