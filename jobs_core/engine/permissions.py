"""The Redis commands that each command of Jobs runs, and the errors for users who may not run them.

Redis checks every command inside a function against the calling user's ACL, and does not roll back what ran
before a denied one. So the needed permissions are read from the source, and checked before the call.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache

from jobs_core.engine import build


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


READS = _names(
    """
    EXISTS GET HEXISTS HGET HGETALL HKEYS HLEN HMGET HSCAN HSTRLEN HVALS INFO LINDEX LLEN LRANGE MGET PTTL
    SCARD SISMEMBER SMEMBERS SMISMEMBER SRANDMEMBER SSCAN STRLEN TIME TTL TYPE XLEN XRANGE XREAD XREVRANGE
    ZCARD ZCOUNT ZMSCORE ZRANGE ZRANGEBYSCORE ZRANK ZSCAN ZSCORE
    """
)
"""Commands that a function without writes may run. Redis denies it all others."""

DIRECT = _names(
    """
    BLPOP CLUSTER|NODES DEL EXISTS FUNCTION|LOAD GET HGET HGETALL HKEYS HSCAN HSET INFO LINDEX LLEN RPUSH
    SCRIPT|EXISTS SCRIPT|LOAD SET SMEMBERS TIME WAIT XREAD XREVRANGE ZMSCORE ZRANGE
    """
)
"""The commands that Python runs directly, in any role."""

_CALL = re.compile(r"call\(([^,()]*)")
_NAME = re.compile(r"'([A-Z]+)'")
_COMMENT = re.compile(r"--\[\[.*?\]\]|--[^\n]*", re.DOTALL)


def called_in(source: str) -> frozenset[str]:
    """Return the Redis commands that a Lua source runs.

    >>> sorted(called_in("redis.call(is_set and 'SADD' or 'RPUSH', key, redis.call('GET', other))"))
    ['GET', 'RPUSH', 'SADD']
    """
    words = _CALL.findall(_COMMENT.sub("", source))
    return frozenset(name for word in words for name in _NAME.findall(word))


@cache
def inner_commands(name: str) -> frozenset[str]:
    """Return the Redis commands that a command of Jobs may run: all those in its modules."""
    command = build.commands()[name]
    found = called_in(command.script)
    return found & READS if command.only_reads else found


def call_of(name: str) -> str:
    """Return the call of a command in the form JPERMIT reads: FCALL|JACK, FCALL_RO|JGET."""
    return f"{'FCALL_RO' if build.commands()[name].only_reads else 'FCALL'}|{name}"


@cache
def needs(name: str) -> frozenset[str]:
    """Return all permissions that a user needs to call a command of Jobs."""
    return inner_commands(name) | {call_of(name)}


@cache
def everything() -> tuple[str, ...]:
    """Return all that Jobs runs in Redis, in any role, in the form JPERMIT reads."""
    calls = {call_of(name) for name in build.commands()}
    return tuple(sorted(called_in(build.library()) | DIRECT | calls))


def refusal(name: str, denied: Collection[str], tag: str, role: str) -> str | None:
    """Return a sentence that says why a command may not be called, or None if it may.

    `role` is a role with the needed permissions.
    """
    missing = needs(name) & frozenset(denied)
    if not missing:
        return None
    advice = f"`jobs acl {role}` prints the permissions to grant"
    if call_of(name) in missing:
        return f"This user may not call {name} on {tag}: {advice}"
    return f"This user may not run {in_words(missing)} on {tag}:*, which {name} needs: {advice}"


def in_words(names: Collection[str]) -> str:
    """Return up to three names, and the number of others: `HSET, XADD`."""
    first, rest = sorted(names)[:3], len(names) - 3
    words = ", ".join(name.replace("|", " ") for name in first)
    return f"{words} and {rest} others" if rest > 0 else words


def half_permitted(denied: Collection[str]) -> list[str]:
    """Return the commands that the user may call, but that run a denied command."""
    held = frozenset(denied)
    return [
        name
        for name in build.commands()
        if call_of(name) not in held and not held.isdisjoint(inner_commands(name))
    ]
