"""What `jobs doctor` looks at: the server, its disk and memory, permissions, clocks, plugins, the ledger."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from jobs_core.context import BoardLike
from jobs_core.contract import Check, Finding
from jobs_core.engine import ledger
from jobs_core.engine.permissions import half_permitted, in_words, refusal
from jobs_core.engine.replies import time_of
from jobs_core.engine.roles import ROLE_NAMES, role, role_for, roles_of
from jobs_core.plugins.hookspecs import hookimpl

RECENT = 7 * 86400
"""Seconds for which doctor tells of a clock that went back."""


def check_server(board: BoardLike) -> Finding:
    """Redis 7.0 or later, or Valkey: older ones cannot refuse a script before it has half run."""
    info = _info(board, "server")
    name = "Valkey" if "valkey_version" in info else "Redis"
    version = str(info.get("valkey_version") or info["redis_version"])
    if int(version.split(".")[0]) < 7:
        return Finding("problem", f"{name} {version} is too old", "upgrade to Redis 7.0 or later, or Valkey")
    found = _info(board, "replication")
    if found.get("role") == "slave":
        primary = f"{found['master_host']}:{found['master_port']}"
        return Finding(
            "warning",
            f"{name} {version}: {board.commands.server} is a read-only replica of {primary}",
            "workers, and whoever changes the board, must connect to the primary",
        )
    return Finding("ok", f"{name} {version}")


def check_permissions(board: BoardLike) -> Finding:
    """A command that may be called, and then may not run all of its own, would stop half-way."""
    denied = board.commands.denied()
    found = roles_of(denied)
    half = half_permitted(denied)
    if half:
        sentence = refusal(half[0], denied, board.keys.tag, role_for(half[0])) or ""
        note, _, advice = sentence.partition(": ")
        return Finding("problem", note, advice)
    if not found:
        missing = in_words(role(ROLE_NAMES[0]).missing(denied))
        return Finding(
            "warning", f"this user has no role: a {ROLE_NAMES[0]} may run {missing}, too", "see `jobs acl`"
        )
    return Finding("ok", f"this user may act as {', '.join(found)}")


def check_persistence(board: BoardLike) -> Finding:
    """Without an append-only file, a restart forgets jobs and runs."""
    info = _info(board, "persistence")
    if not int(info["aof_enabled"]):
        return Finding(
            "warning",
            "appendonly is off: a restart forgets what changed since the last snapshot",
            "CONFIG SET appendonly yes, and write it to the server's configuration",
        )
    if info.get("aof_last_write_status") != "ok":
        return Finding("problem", "the append-only file cannot be written", "make room on the server's disk")
    return Finding("ok", "append-only file on")


def check_memory(board: BoardLike) -> Finding:
    """Eviction would silently destroy schedules."""
    info = _info(board, "memory")
    policy, limit, used = info["maxmemory_policy"], int(info["maxmemory"]), int(info["used_memory"])
    if policy != "noeviction":
        return Finding(
            "problem",
            f"maxmemory-policy is {policy}: a full server would evict jobs",
            "CONFIG SET maxmemory-policy noeviction",
        )
    if limit and used >= limit:
        return Finding(
            "problem",
            f"{board.commands.server} is full: it refuses to put and to queue",
            "raise its maxmemory, or remove something",
        )
    if limit and used > 0.8 * limit:
        return Finding(
            "warning", f"memory is {used / limit:.0%} full", "raise maxmemory, or remove something"
        )
    return Finding("ok", "noeviction")


def check_clock(board: BoardLike) -> Finding:
    """Jobs run by Redis's clock; a machine whose own is off shows confusing times."""
    seconds, micros = board.client.time()
    drift = abs(time.time() - (int(seconds) + int(micros) / 1e6))
    if drift > 1:
        return Finding("warning", f"this machine's clock is {drift:.1f} s off Redis's", "run NTP on both")
    return Finding("ok", "this machine and Redis agree on the time")


def check_scripts(board: BoardLike) -> Finding:
    """The board's `commands` hash must name scripts that Redis has; a replica is sent none."""
    if _info(board, "replication").get("role") == "slave":
        return Finding("ok", "functions loaded")
    published = board.client.hgetall(board.keys.commands)
    shas = [str(sha) for name, sha in published.items() if name != "version"]
    if not shas:
        return Finding("warning", "the commands are not loaded yet", "run `jobs init`")
    if not all(board.client.script_exists(*shas)):
        return Finding(
            "warning", "Redis has lost some scripts; Jobs loads them again by itself", "run `jobs init`"
        )
    return Finding("ok", f"{len(shas)} commands loaded")


def check_plugins(board: BoardLike) -> Finding:
    """A broken plugin harms no other, but its runners are missing."""
    broken = [
        f"{info.name} ({info.reason})"
        for info in board.plugins.infos
        if info.state in ("broken", "incompatible")
    ]
    if broken:
        return Finding("problem", f"broken: {', '.join(broken)}", "see `jobs plugins`")
    noted = [f"{info.name} ({'; '.join(info.notes)})" for info in board.plugins.infos if info.notes]
    if noted:
        return Finding("warning", ", ".join(noted), "see `jobs plugins`")
    return Finding("ok", f"{len(board.plugins.infos)} loaded")


def check_workers(board: BoardLike) -> Finding:
    """Jobs whose runner nobody has ever served will wait."""
    counts = board.count()
    served = set(board.client.hkeys(board.keys.runners))
    waiting = [
        name for name in counts if name.startswith("queue:") and counts[name] and name[6:] not in served
    ]
    if waiting:
        names = ", ".join(name[6:] for name in waiting)
        return Finding("warning", f"nobody has served the queue {names}", f"start `jobs run --queue {names}`")
    return Finding("ok", f"served so far: {', '.join(sorted(map(str, served))) or 'nothing'}")


def check_records(board: BoardLike) -> Finding:
    """What could not be read was set aside: somebody should know what that was."""
    kept: list[tuple[str, dict[str, str]]] = board.client.xrevrange(board.keys.bad, count=1)
    if not kept:
        return Finding("ok", "all could be read")
    _, latest = kept[0]
    count = int(board.client.hget(board.keys.stats, "bad") or 0)
    place = f"{latest['place']} {latest['id']}".rstrip()
    what = f"{count} could not be read and {'was' if count == 1 else 'were'} set aside"
    return Finding(
        "problem",
        f"{what}; the latest was in {place}",
        f"see XRANGE {board.keys.bad} - +, and DEL it once that is understood; put a job again",
    )


def check_time(board: BoardLike) -> Finding:
    """A clock that went back made jobs wait, until their next runs were worked out again."""
    when, seconds = board.client.hmget(board.keys.stats, "clock_back_at", "clock_back_by")
    if when is None or time.time() - int(when) / 1000 > RECENT:
        return Finding("ok", "Redis's clock has not gone back")
    return Finding(
        "warning",
        f"Redis's clock went back by {int(seconds) / 1000:g} s at {time_of(int(when)):%Y-%m-%dT%H:%M:%SZ}: "
        "the next runs were worked out again",
        "let NTP keep the clocks of all servers",
    )


def check_slot(board: BoardLike) -> Finding:
    """While a slot moves key by key, the board is empty on one node and half there on the other."""
    from redis.crc import key_slot

    if not int(_info(board, "cluster").get("cluster_enabled", 0)):
        return Finding("ok", "not in a cluster")
    slot = key_slot(board.keys.tag.encode())
    nodes: dict[str, dict[str, Any]] = board.client.cluster("nodes")
    here = next(node for node in nodes.values() if "myself" in node["flags"])
    if any(int(moving["slot"]) == slot for moving in here["migrations"]):
        return Finding(
            "problem",
            f"the slot {slot}, which holds this board, is being moved key by key: commands see parts of it",
            "stop whatever writes to the board until it is moved, or use CLUSTER MIGRATESLOTS of Valkey 9",
        )
    return Finding("ok", f"the slot {slot} of the cluster stays where it is")


def check_ledger(board: BoardLike) -> Finding:
    """Every occurrence that was due has an ending, or is under way."""
    stats, counts = board.stats(), board.count()
    wrong = [
        f"{name} is {stats[name]}, but {' + '.join(parts)} is {ledger.total(stats, name)}"
        for name, parts in ledger.SUMS.items()
        if stats[name] != ledger.total(stats, name)
    ]
    if counts["dead"] > stats["dead"]:
        wrong.append(f"{counts['dead']} dead letters are kept, but {stats['dead']} were counted")
    if wrong:
        return Finding("problem", "; ".join(wrong), "report this with the output of `jobs stats --json`")
    return Finding("ok", f"{stats['due']} due: all accounted for, {stats['in_flight']} under way")


@hookimpl
def jobs_checks() -> Iterator[Check]:
    """The checks of the core."""
    yield Check("server", check_server, "its version")
    yield Check("permissions", check_permissions, "what this user may do")
    yield Check("persistence", check_persistence, "the append-only file")
    yield Check("memory", check_memory, "maxmemory and its policy")
    yield Check("clock", check_clock, "drift")
    yield Check("scripts", check_scripts, "the commands")
    yield Check("plugins", check_plugins, "plugins that fail to load")
    yield Check("workers", check_workers, "queues that nobody serves")
    yield Check("records", check_records, "what cannot be read")
    yield Check("time", check_time, "a clock that went back")
    yield Check("slot", check_slot, "a slot of a cluster on its way")
    yield Check("ledger", check_ledger, "what was due is accounted for")


def _info(board: BoardLike, section: str) -> dict[str, Any]:
    found: dict[str, Any] = board.client.info(section)
    return found
