"""The check of `jobs doctor` for partitions: that the board has all of them, and where they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobs_core.context import BoardLike
from jobs_core.contract import Finding
from jobs_core.errors import ServerError
from jobs_core.plugins.builtin.parts import by_node, ranges


def check_partitions(board: BoardLike) -> Finding:
    """Report partitions that have lost their data, or belong to another board; and say where they are."""
    from jobs_core.engine.partitions import layout

    if board.commands.spread is None:
        return _check_whole(board)
    count = len(board.commands.parts)
    nodes = by_node(board.partitions)
    found, errors = _read_layouts(board, nodes)
    if errors:
        away = sorted(number for node in errors for number in nodes[node])
        return Finding(
            "problem",
            f"of {count} partitions, these cannot be used: {ranges(away)}. {next(iter(errors.values()))}",
        )
    wrong = [number for number in range(count) if found[number] != layout.of_partition(number, count)]
    missing = [number for number in wrong if found[number] is None]
    others = [number for number in wrong if found[number] is not None]
    if missing:
        return Finding(
            "problem",
            f"of {count} partitions, these have lost their data: {ranges(missing)}",
            f"restore their server from its files or a backup, or run `jobs init --partitions {count}` and "
            "load a dump",
        )
    if others:
        return Finding(
            "problem",
            f"of {count} partitions, these belong to another board, or to another version of Jobs: "
            f"{ranges(others)}",
            "stop what uses the board, and move the other board away: `jobs dump` and `jobs load`",
        )
    if len(nodes) == 1:
        return Finding("ok", f"{count} partitions, all on {next(iter(nodes))}")
    on = "; ".join(f"{ranges(some)} on {node}" for node, some in sorted(nodes.items()))
    return Finding("ok", f"{count} partitions: {on}")


def _read_layouts(
    board: BoardLike, nodes: Mapping[str, list[int]]
) -> tuple[dict[int, Any], dict[str, ServerError]]:
    """Read what each partition says that it is. Returns the errors of nodes that do not answer, too."""
    found: dict[int, Any] = {}
    errors: dict[str, ServerError] = {}
    parts = board.partitions
    for node, numbers in nodes.items():
        try:
            for number in numbers:
                key = parts[number].keys.layout
                found[number] = parts[number].commands.read(lambda client, key=key: client.get(key))
        except ServerError as error:
            errors[node] = error
    return found, errors


def _check_whole(board: BoardLike) -> Finding:
    """Look for partitions of a board that does not know of any, as after its server has lost its data."""
    from jobs_core.engine.partitions import layout

    is_marked = board.client.exists(board.keys.layout)
    count = 0 if is_marked else layout.count_of(board.commands.find_first())
    if not count:
        return Finding("ok", "the board has no partitions")
    return Finding(
        "problem",
        f"the board has lost what says that it has {count} partitions: they are there, and nobody sees them",
        f"stop what uses the board, and run `jobs init --partitions {count}`",
    )
