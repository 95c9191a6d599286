"""Rejected calls: the kind of error, its message, and that nothing has changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import redis

from jobs_core import (
    ExistsError,
    FaultError,
    JobsError,
    NotFoundError,
    OptionError,
    PayloadError,
    ServerError,
    StaleError,
)
from tests.lua.helpers import MS, Lua, T

FIVE = ("every", 5)


@pytest.mark.parametrize(
    ("code", "kind", "call"),
    [
        ("OPTION", OptionError, ("JSET", "a", "echo", "x", "evry", 5)),
        ("PAYLOAD", PayloadError, ("JSET", "a", "echo", "x" * ((1 << 20) + 1))),
        ("NOTFOUND", NotFoundError, ("JPAUSE", "nobody")),
        ("EXISTS", ExistsError, ("JSETNX", "kept", "echo", "x")),
        ("STALE", StaleError, ("JACK", "nobody#1", "done")),
        ("FAULT", FaultError, ("JRESUME", "bad")),
    ],
)
def test_each_code_has_its_own_exception(
    lua: Lua, code: str, kind: type[JobsError], call: Sequence[Any]
) -> None:
    lua.put("kept", every=5)
    lua.client.hset(f"{lua.keys.tag}:job", "bad", "no record of a job")
    name, *arguments = call
    with pytest.raises(redis.ResponseError, match=f"^JOBS {code} ") as raw:
        lua.client.fcall(name, 1, lua.keys.tag, *arguments)
    with pytest.raises(kind) as ours:
        lua.call(name, *arguments)
    assert ours.type is kind
    assert str(raw.value) == f"JOBS {code} {ours.value}"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        # values of every option
        (("evry", 5), "^evry: unknown option$"),
        (("Every", 5), "^Every: unknown option$"),
        (("every",), "^every: expected a value, got none$"),
        ((*FIVE, "stop"), "^stop: expected a value, got none$"),
        ((*FIVE, *FIVE), "^every: expected one value, got two$"),
        # combinations of options
        ((*FIVE, "at", T), "^at: cannot be combined with every"),
        (("hours", 1, "at", T), "^at: cannot be combined with every"),
        ((*FIVE, "stop", "+9", "duration", 9), "^stop: cannot be combined with duration$"),
        ((*FIVE, "step", 9), "^step: needs decay$"),
        (("start", T), "^start: needs every or cron: only repeating jobs have it$"),
        (("stop", T), "^stop: needs every or cron"),
        (("duration", 9), "^duration: needs every or cron"),
        (("repeat", 9), "^repeat: needs every or cron"),
        (("decay", 2), "^decay: needs every"),
        (("step", 9), "^step: needs every"),
        (("at", T, "repeat", 9), "^repeat: needs every or cron"),
        # ranges of values
        (("seconds", 0), "^seconds: expected a number above 0, up to 1e12, got '0'"),
        (("days", "-1"), "^days: expected a number above 0, up to 1e12, got '-1'"),
        (("weeks", "x"), "^weeks: expected a number above 0, up to 1e12, got 'x'"),
        (("months", ""), "^months: expected a number above 0, up to 1e12, got ''"),
        ((*FIVE, "repeat", 0), "^repeat: expected a whole number of at least 1, got '0'$"),
        ((*FIVE, "repeat", 1.5), "^repeat: expected a whole number of at least 1, got '1.5'"),
        ((*FIVE, "repeat", "9" * 17), r"^repeat: expected at most 2\^53, got '9{17}'$"),
        ((*FIVE, "decay", 0), "^decay: expected a number above 0, up to 1e12, got '0'"),
        ((*FIVE, "decay", "-2"), "^decay: expected a number above 0, up to 1e12, got '-2'"),
        ((*FIVE, "decay", "inf"), "^decay: expected a number above 0, up to 1e12, got 'inf'"),
        ((*FIVE, "decay", 2, "step", "0.5"), "^step: expected at least 1 second$"),
        ((*FIVE, "start", "+9", "stop", "+8"), "^stop: expected a time after start, so that the job runs$"),
        (("attempts", 0), "^attempts: expected a whole number of at least 1, got '0'$"),
        (("policy", "a b"), "^policy: expected one word of at most 256 bytes$"),
        (("queue", ""), "^queue: expected one word of at most 256 bytes"),
        (("queue", "a\nb"), "^queue: expected one word of at most 256 bytes"),
        (("queue", "a" * 257), "^queue: expected one word of at most 256 bytes"),
        (("left", "-1"), "^left: expected a whole number of at least 0, got '-1'$"),
    ],
)
@pytest.mark.parametrize("id", ["kept", "new"])
def test_a_rejected_put_explains_itself_and_changes_nothing(
    lua: Lua, id: str, options: Sequence[Any], says: str
) -> None:
    lua.put("kept", every=5, repeat=9)
    lua.refuses(OptionError, says, "JSET", id, "echo", "x", *options, *(("now", T) * (len(options) % 2 == 0)))


@pytest.mark.parametrize("arguments", [[], ["a"], ["a", "echo"]])
@pytest.mark.parametrize("name", ["JSET", "JSETNX"])
def test_a_put_needs_an_id_a_runner_and_a_payload(lua: Lua, name: str, arguments: list[str]) -> None:
    lua.refuses(OptionError, "^a job needs an id, a runner and a payload$", name, *arguments)


@pytest.mark.parametrize("name", ["JSET", "JPUSH", "JMSET"])
def test_no_error_quotes_a_payload(lua: Lua, name: str) -> None:
    secret = "the secret " * 200_000
    call = {
        "JSET": ["a", "echo", secret],
        "JPUSH": ["echo", secret],
        "JMSET": ["set", 3, "a", "echo", secret],
    }
    (reply,) = lua.board.commands.batch([(name, call[name])])
    (error,) = reply if isinstance(reply, list) else [reply]
    assert isinstance(error, PayloadError)
    assert "secret" not in str(error)


def test_a_line_break_in_an_argument_does_not_break_the_sentence(lua: Lua) -> None:
    lua.refuses(NotFoundError, "^there is no job 'a  b' on the board '[^']+'$", "JPAUSE", "a\r\nb")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("JGET", []),
        ("JDEL", []),
        ("JPAUSE", []),
        ("JRESUME", []),
        ("JREGISTER", []),
        ("JREGISTER", ["host-1"]),
    ],
)
def test_a_call_without_arguments_is_refused_and_changes_nothing(
    lua: Lua, name: str, arguments: list[str]
) -> None:
    before = lua.everything()
    with pytest.raises(JobsError):
        lua.call(name, *arguments)
    assert lua.everything() == before


@pytest.mark.parametrize("name", ["JDEL", "JGET"])
def test_thousands_of_ids_fit_in_one_call(lua: Lua, name: str) -> None:
    lua.call(name, *(f"j{number}" for number in range(9000)))


def test_an_error_in_a_batch_does_not_affect_the_others(lua: Lua) -> None:
    calls = [
        ("JSET", ["a", "echo", "x", *FIVE, "now", T]),
        ("JSET", ["a b", "echo", "x"]),
        ("JNEXT", ["nobody"]),
        ("JNEXT", ["a"]),
    ]
    first, second, third, fourth = lua.board.commands.batch(calls)
    assert (first, type(second), type(third), fourth) == (MS, OptionError, NotFoundError, [MS])


def test_a_key_of_the_wrong_type_is_a_server_error(lua: Lua) -> None:
    lua.client.set(lua.keys.schedule, "x")
    lua.refuses(ServerError, "WRONGTYPE|wrong kind of value", "JTICK", "now", T)


@pytest.mark.parametrize("key", ["jobs", "{jobs", "{jobs}:stats", "jobs:{jobs}", "{}", "{a{b}}"])
@pytest.mark.parametrize("name", ["JCOUNT", "JPAUSE"])
def test_a_key_that_is_no_name_in_braces_is_refused(lua: Lua, name: str, key: str) -> None:
    before = lua.everything()
    with pytest.raises(redis.ResponseError, match=r"^JOBS OPTION the key must be the board's name in braces"):
        lua.client.execute_command("FCALL", name, 1, key, "a")
    assert lua.everything() == before
    assert not lua.client.exists(f"{key}:layout")
