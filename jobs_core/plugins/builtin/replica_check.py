"""The check of `jobs doctor` for replicas: what a failover would lose."""

from __future__ import annotations

from typing import Any

from jobs_core.context import BoardLike
from jobs_core.contract import Finding
from jobs_core.plugins.builtin.parts import by_node, worst


def check_replicas(board: BoardLike) -> Finding:
    """Compare the replicas of each server with the setting `durable` of the board."""
    from jobs_core.engine.durable import replicas_of

    parts = board.partitions
    kept: list[Any] = board.commands.each(lambda client, keys: client.hget(keys.settings, "durable"))
    wanted = [replicas_of(text) for text in kept]
    found = worst(
        {
            node: _compare(parts[some[0]], max(wanted[number] for number in some))
            for node, some in by_node(parts).items()
        },
        "servers",
    )
    if found.state == "ok" and len(set(wanted)) > 1:
        return Finding(
            "warning", "not all partitions know yet how durable the board is", "run `jobs tick --once`"
        )
    return found


def _compare(board: BoardLike, wanted: int) -> Finding:
    info: dict[str, Any] = board.client.info("replication")
    if info.get("role") == "slave":
        return Finding("ok", "ask the primary")
    online = sum(str(info[f"slave{n}"]["state"]) == "online" for n in range(int(info["connected_slaves"])))
    have = "no replica" if online == 0 else "1 replica" if online == 1 else f"{online} replicas"
    if wanted > online:
        return Finding(
            "problem",
            f"the board is durable with {wanted} replica{'s' * (wanted > 1)}, and {have} is connected: "
            "pushes fail, and workers start nothing".replace("replicas is", "replicas are"),
            "connect a replica, or run `jobs retention durable off`",
        )
    if wanted:
        return Finding("ok", f"{have}, and the board is durable: a failover loses no push that succeeded")
    if online:
        return Finding(
            "ok",
            f"{have}: a failover may lose the last pushes, and repeat the last runs",
            "`jobs retention durable 1` waits for a replica with each",
        )
    return Finding("ok", "no replica: nothing to fail over to")
