"""The built-in checks of `jobs doctor`: server, disk, memory, permissions, clocks, plugins, settings …"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

from jobs_core.context import BoardLike
from jobs_core.contract import Check, Finding
from jobs_core.engine import ledger
from jobs_core.engine.permissions import half_permitted, in_words, refusal
from jobs_core.engine.replies import time_of
from jobs_core.engine.roles import ROLE_NAMES, role, role_for, roles_of
from jobs_core.plugins.builtin.alert_check import check_alerts
from jobs_core.plugins.builtin.flow_checks import check_limits, check_overdue, check_ticks, check_workers
from jobs_core.plugins.builtin.growth_check import check_growth
from jobs_core.plugins.builtin.partition_check import check_partitions
from jobs_core.plugins.builtin.parts import for_each_server, where, worst
from jobs_core.plugins.builtin.replica_check import check_replicas
from jobs_core.plugins.config import find_config
from jobs_core.plugins.hookspecs import hookimpl
from jobs_core.plugins.variables import misspelled

NOT_IN_CLUSTER = "not in a cluster"

RECENT = 7 * 86400
"""Seconds for which doctor reports a clock that went backwards."""


def check_server(board: BoardLike) -> Finding:
    """Require Redis 7.0 or later, or Valkey. Older servers can stop a script halfway."""
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
            "connect workers and clients that change the board to the primary",
        )
    return Finding("ok", f"{name} {version}")


def check_permissions(board: BoardLike) -> Finding:
    """Check the user's permissions. A command that is only partly permitted would stop halfway."""
    denied = frozenset().union(*(part.commands.denied() for part in (board, *board.partitions)))
    board.commands.require_question()
    found = roles_of(denied)
    half = half_permitted(denied)
    if half:
        sentence = refusal(half[0], denied, board.keys.tag, role_for(half[0])) or ""
        note, _, advice = sentence.partition(": ")
        return Finding("problem", f"{board.commands.server}: {note}", advice)
    if not found:
        missing = in_words(role(ROLE_NAMES[0]).missing(denied))
        return Finding(
            "warning", f"this user has no role: a {ROLE_NAMES[0]} also needs {missing}", "see `jobs acl`"
        )
    return Finding("ok", f"roles of this user: {', '.join(found)}")


def check_persistence(board: BoardLike) -> Finding:
    """Check the append-only file. Without it, a restart loses jobs and runs."""
    info = _info(board, "persistence")
    if not int(info["aof_enabled"]):
        return Finding(
            "warning",
            "appendonly is off: a restart loses all changes since the last snapshot",
            "run CONFIG SET appendonly yes, and add it to the server's configuration",
        )
    if info.get("aof_last_write_status") != "ok":
        return Finding(
            "problem", "Redis cannot write its append-only file", "free some disk space on the server"
        )
    return Finding("ok", "the append-only file is on")


def check_memory(board: BoardLike) -> Finding:
    """Check maxmemory and its policy. Eviction would silently delete schedules."""
    info = _info(board, "memory")
    policy, limit, used = info["maxmemory_policy"], int(info["maxmemory"]), int(info["used_memory"])
    if policy != "noeviction":
        return Finding(
            "problem",
            f"maxmemory-policy is {policy}: a full server would evict jobs",
            "run CONFIG SET maxmemory-policy noeviction",
        )
    if limit and used >= limit:
        return Finding(
            "problem",
            f"{board.commands.server} is out of memory: it rejects new jobs and tasks",
            "raise maxmemory, or delete data",
        )
    if limit and used > 0.8 * limit:
        return Finding("warning", f"memory is {used / limit:.0%} full", "raise maxmemory, or delete data")
    return Finding("ok", "noeviction")


def check_clock(board: BoardLike) -> Finding:
    """Compare the clocks. Jobs run by the clock of Redis; a machine that differs shows confusing times."""
    seconds, micros = board.client.time()
    drifts = {"this machine": time.time() - (int(seconds) + int(micros) / 1e6)}
    drifts |= {f"worker {worker['worker']}": worker.get("drift", 0) for worker in board.workers()}
    wrong = [
        f"{name} is {abs(s):.1f} s {'ahead' if s > 0 else 'behind'}"
        for name, s in drifts.items()
        if abs(s) > 1
    ]
    if wrong:
        note = f"clocks differ from Redis's: {', '.join(wrong[:3])}"
        return Finding("warning", note, "run NTP on all machines")
    return Finding("ok", "the clocks of this machine, the workers and Redis agree")


def check_scripts(board: BoardLike) -> Finding:
    """Check that Redis has the scripts of the board's `commands` hash. A replica receives none."""
    if _info(board, "replication").get("role") == "slave":
        return Finding("ok", "functions loaded")
    published = board.client.hgetall(board.keys.commands)
    shas = [str(sha) for name, sha in published.items() if name != "version"]
    if not shas:
        return Finding("warning", "the commands are not loaded yet", "run `jobs init`")
    if not all(board.client.script_exists(*shas)):
        return Finding(
            "warning", "Redis has lost some scripts; Jobs reloads them when needed", "run `jobs init`"
        )
    return Finding("ok", f"{len(shas)} commands loaded")


def check_plugins(board: BoardLike) -> Finding:
    """Report broken plugins. They do not affect other plugins, but their runners are missing."""
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


def check_settings(board: BoardLike) -> Finding:
    """Report settings, variables and names of plugins that have no effect: they may be misspelled."""
    problems, path = board.plugins.setting_problems(), find_config()
    used = f"using {path.absolute()}" if path else "using no settings file"
    if problems:
        return Finding("problem", f"{used}; {'; '.join(problems)}", "correct or remove them")
    variables = misspelled(board.plugins.setting_values(), os.environ)
    if variables:
        return Finding("warning", f"{used}; {'; '.join(variables)}", "correct or remove them")
    return Finding("ok", f"{used}; all settings have an effect")


def check_records(board: BoardLike) -> Finding:
    """Report unreadable records. Jobs moves them aside."""
    kept: list[Any] = board.commands.each(lambda client, keys: client.xrevrange(keys.bad, count=1))
    found = [(*page[0], part.keys) for page, part in zip(kept, board.partitions, strict=True) if page]
    if not found:
        return Finding("ok", "all records are readable")
    _, latest, keys = max(found, key=lambda one: int(one[0].partition("-")[0]))
    count = sum(
        map(int, filter(None, board.commands.each(lambda client, keys: client.hget(keys.stats, "bad"))))
    )
    place = f"{latest['place']} {latest['id']}".rstrip()
    what = f"Jobs moved {count} unreadable record{'s' * (count != 1)} aside"
    return Finding(
        "problem",
        f"{what}; the latest was in {place}",
        f"inspect XRANGE {keys.bad} - +, put affected jobs again, then DEL {keys.bad}",
    )


def check_time(board: BoardLike) -> Finding:
    """Report a clock that went backwards. Jobs then recomputes the next runs."""
    known: list[Any] = board.commands.each(
        lambda client, keys: client.hmget(keys.stats, "clock_back_at", "clock_back_by")
    )
    when, seconds = max(known, key=lambda one: int(one[0] or 0))
    if when is None or time.time() - int(when) / 1000 > RECENT:
        return Finding("ok", "the clock of Redis has not gone backwards")
    return Finding(
        "warning",
        f"the clock of Redis went back by {int(seconds) / 1000:g} s at "
        f"{time_of(int(when)):%Y-%m-%dT%H:%M:%SZ}: Jobs recomputed the next runs",
        "run NTP on all servers",
    )


def check_slots(board: BoardLike) -> Finding:
    """Report migrating cluster slots. Until they have moved, no node serves the board, or some partitions."""
    parts = board.partitions
    if len(parts) == 1 and parts[0].keys.board == board.keys.board:
        return _check_slot(board, "this board's")
    found = {f"partition {number}": _check_slot(part) for number, part in enumerate(parts)}
    finding = worst({"what says which partitions there are": _check_slot(board), **found}, "partitions")
    if finding.state == "ok" and finding.note != NOT_IN_CLUSTER:
        return Finding("ok", f"none of the cluster slots of {len(parts)} partitions is migrating")
    return finding


def _check_slot(board: BoardLike, whose: str = "its") -> Finding:
    from redis.crc import key_slot

    if not int(_info(board, "cluster").get("cluster_enabled", 0)):
        return Finding("ok", NOT_IN_CLUSTER)
    slot = key_slot(board.keys.tag.encode())
    nodes: dict[str, dict[str, Any]] = board.client.cluster("nodes")
    here = next(node for node in nodes.values() if "myself" in node["flags"])
    if any(int(moving["slot"]) == slot for moving in here["migrations"]):
        return Finding(
            "problem",
            f"{whose} slot {slot} is being migrated key by key: until it is there, no node serves it",
            "if that has stopped half-way, run `redis-cli --cluster fix`",
        )
    return Finding("ok", f"the cluster slot {slot} is not migrating")


def check_primaries(board: BoardLike) -> Finding:
    """Report primaries of a cluster that are away, or lack the functions: slots may move to any of them."""
    from jobs_core.engine import loader
    from jobs_core.engine.outage import is_connection_lost

    replies = board.commands.on_primaries(*loader.VERSION_CALL)
    if not replies:
        return Finding("ok", "the URL names one server")
    away = sorted(name for name, reply in replies.items() if is_connection_lost(reply))
    if away:
        return Finding(
            "problem",
            f"primaries that do not answer: {', '.join(away)}",
            "start them again, or let their replicas take over",
        )
    lacking = loader.versions_lacking(replies)
    if lacking:
        return Finding(
            "warning",
            f"primaries without the functions of this version: {', '.join(sorted(lacking))}",
            "`jobs init` as a user with the role admin loads them into every primary",
        )
    return Finding("ok", f"all {len(replies)} primaries have the functions of this version")


def check_ledger(board: BoardLike) -> Finding:
    """Check that every occurrence that was due has ended or is in flight."""
    parts = board.partitions
    wrong = [
        f"{note}{where([number], len(parts))}"
        for number, part in enumerate(parts)
        for note in _differences(part)
    ]
    if wrong:
        return Finding("problem", "; ".join(wrong), "report a bug with the output of `jobs stats --json`")
    stats = board.stats()
    return Finding("ok", f"{stats['due']} due: all accounted for, {stats['in_flight']} in flight")


def _differences(board: BoardLike) -> Iterator[str]:
    """Say which sums of a ledger do not add up."""
    stats, counts = board.stats(), board.count()
    for name, parts in ledger.SUMS.items():
        if stats[name] != ledger.total(stats, name):
            yield f"{name} is {stats[name]}, but {' + '.join(parts)} is {ledger.total(stats, name)}"
    if counts["dead"] > stats["dead"]:
        yield f"the board has {counts['dead']} dead letters, but the ledger counts {stats['dead']}"


@hookimpl
def jobs_checks() -> Iterator[Check]:
    """Provide the built-in checks."""
    yield Check("server", for_each_server(check_server), "the server's version")
    yield Check("permissions", check_permissions, "the user's roles")
    yield Check("persistence", for_each_server(check_persistence), "the append-only file")
    yield Check("memory", for_each_server(check_memory), "maxmemory and its policy")
    yield Check("clock", for_each_server(check_clock), "clock drift")
    yield Check("scripts", for_each_server(check_scripts), "the commands in Redis")
    yield Check("plugins", check_plugins, "plugins that fail to load")
    yield Check("workers", check_workers, "living workers, and queues that none serves")
    yield Check("overdue", check_overdue, "jobs and tasks whose time has passed")
    yield Check("ticks", check_ticks, "whether anyone ticks")
    yield Check("growth", check_growth, "what grows, or has reached its bound")
    yield Check("limits", check_limits, "limits that hold tasks for long")
    yield Check("alerts", check_alerts, "alerts of which somebody was not told")
    yield Check("settings", check_settings, "settings without effect")
    yield Check("records", check_records, "unreadable records")
    yield Check("time", check_time, "a clock that went backwards")
    yield Check("partitions", check_partitions, "whether all partitions are there")
    yield Check("slot", check_slots, "a cluster slot in migration")
    yield Check("primaries", check_primaries, "primaries of a cluster without the functions")
    yield Check("replicas", check_replicas, "what a failover would lose")
    yield Check("ledger", check_ledger, "whether every due occurrence is accounted for")


def _info(board: BoardLike, section: str) -> dict[str, Any]:
    found: dict[str, Any] = board.client.info(section)
    return found
