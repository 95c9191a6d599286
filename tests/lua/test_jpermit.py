"""JPERMIT: list the commands that a user is denied, without a log entry."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from jobs_core import OptionError
from tests.lua.helpers import Lua


@pytest.fixture
def user(lua: Lua, url: str) -> Iterator[redis.Redis]:
    """A user who may read the board and call JPERMIT."""
    rules = ("%R~{keys.tag}", "%R~{keys.tag}:*", "+@read", "+info", "+fcall_ro|jpermit", "+fcall_ro|jget")
    named = (rule.format(keys=lua.keys) for rule in rules)
    lua.client.execute_command("ACL", "SETUSER", "reader", "reset", "on", "nopass", *named)
    lua.client.acl_log_reset()
    with redis.Redis.from_url(f"{url}?username=reader&password=x", decode_responses=True) as found:
        yield found
    lua.client.acl_deluser("reader")


def denied(user: redis.Redis, lua: Lua, *names: str) -> list[str]:
    found: list[str] = user.fcall_ro("JPERMIT", 1, lua.keys.tag, *names)
    return found


def test_denied_names_are_returned_as_passed(lua: Lua, user: redis.Redis) -> None:
    assert denied(user, lua, "HGET", "xadd", "HSET", "TIME") == ["xadd", "HSET", "TIME"]


def test_a_function_is_checked_by_name(lua: Lua, user: redis.Redis) -> None:
    asked = ("FCALL_RO|JGET", "FCALL_RO|JCOUNT", "FCALL|JSET")
    assert denied(user, lua, *asked) == ["FCALL_RO|JCOUNT", "FCALL|JSET"]


def test_a_subcommand_is_checked_after_a_bar(lua: Lua, user: redis.Redis) -> None:
    assert denied(user, lua, "SCRIPT|LOAD", "FUNCTION|LOAD") == ["SCRIPT|LOAD", "FUNCTION|LOAD"]


def test_the_keys_of_the_board_are_checked_too(lua: Lua, user: redis.Redis) -> None:
    lua.client.execute_command("ACL", "SETUSER", "reader", "+@write")
    assert denied(user, lua, "HSET", "RENAME", "DEL", "HGET") == ["HSET", "RENAME", "DEL"]


def test_checking_leaves_no_acl_log_entry(lua: Lua, user: redis.Redis) -> None:
    denied(user, lua, "XADD", "FCALL|JSET", "FUNCTION|LOAD", "NOSUCH")
    assert [entry["object"] for entry in lua.client.acl_log()] in ([], ["client|setinfo"])


def test_a_user_with_all_permissions_is_denied_nothing(lua: Lua) -> None:
    assert lua.jpermit("HGET", "XADD", "RENAME", "BLPOP", "XREAD", "FCALL|JSET", "CONFIG|SET") == []


def test_a_name_is_required(lua: Lua) -> None:
    lua.refuses(OptionError, "^JPERMIT expects at least one command name$", "JPERMIT")
