"""Boards of several partitions in checks of `jobs doctor`: a check looks at each, and finds one thing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from jobs_core.context import BoardLike
from jobs_core.contract import Finding

SEVERITY = {"ok": 0, "warning": 1, "problem": 2}
"""How bad each state of a finding is."""

NAMED = 3
"""Partitions that a sentence names at most."""


def for_each_server(check: Callable[[BoardLike], Finding]) -> Callable[[BoardLike], Finding]:
    """Make a check of one server one of all servers of a board: in a cluster, its partitions have several."""

    def run(board: BoardLike) -> Finding:
        parts = board.partitions
        return worst({node: check(parts[some[0]]) for node, some in by_node(parts).items()}, "servers")

    return run


def worst(found: Mapping[str, Finding], what: str) -> Finding:
    """Return the worst of several findings, and say of what it is, and how many there are."""
    name, finding = max(found.items(), key=lambda item: SEVERITY[item[1].state])
    if len(found) == 1 or finding.state == "ok":
        return finding
    alike = sum(other.state == finding.state for other in found.values()) - 1
    others = f" (and {alike} other {what if alike > 1 else what[:-1]})" if alike else ""
    return Finding(finding.state, f"{name}: {finding.note}{others}", finding.advice)


def by_node(parts: Sequence[BoardLike]) -> dict[str, list[int]]:
    """Return the numbers of partitions by the server that has them."""
    if all(part.client is parts[0].client for part in parts):
        return {parts[0].commands.server: list(range(len(parts)))}
    found: dict[str, list[int]] = defaultdict(list)
    for number, part in enumerate(parts):
        found[part.commands.node].append(number)
    return found


def where(some: Sequence[int], count: int) -> str:
    """Say in which of the partitions something is, unless it is in all of them.

    >>> where([3], 16)
    ' in the partition 3'
    """
    if len(some) == count:
        return ""
    named = ", ".join(map(str, some[:NAMED]))
    more = f" and {len(some) - NAMED} more" if len(some) > NAMED else ""
    return f" in the partition{'s' * (len(some) > 1)} {named}{more}"


def ranges(numbers: Sequence[int]) -> str:
    """Write sorted numbers in short.

    >>> ranges([0, 1, 2, 5])
    '0-2, 5'
    """
    ends = [place for place, (one, other) in enumerate(pairwise(numbers), 1) if other != one + 1]
    bounds = zip([0, *ends], [*ends, len(numbers)], strict=True)
    runs = ((numbers[first], numbers[last - 1]) for first, last in bounds)
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)
