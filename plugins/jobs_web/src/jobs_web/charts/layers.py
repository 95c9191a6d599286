"""Places the nodes of a directed graph in layers, left to right, with few crossings.

Each node is one layer behind the last of its parents. An arrow across several layers passes through a gap in
each, so that no arrow is drawn over a node.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

SWEEPS = 4
"""How often the layers are ordered by their neighbors, in each direction."""

MOST_GAPS = 2000
"""Arrows that would need more gaps than this in all are drawn straight."""

Arrow = tuple[str, str]
"""From a node to another."""

Slot = str | tuple[int, int]
"""What has a place in a layer: a node, or the gap of an arrow (its number) in a layer (its number)."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where nodes and arrows are. A place is a column and a row, both from 0; a row may be a fraction.

    Args:
        places: The place of each node.
        routes: The places that each arrow passes through, from its first node to its second.
        columns: How many columns there are.
        rows: How many rows the highest column needs.
    """

    places: Mapping[str, tuple[int, float]]
    routes: Mapping[Arrow, tuple[tuple[int, float], ...]]
    columns: int
    rows: float


def lay_out(nodes: Iterable[str], arrows: Iterable[Arrow]) -> Layout:
    """Place the nodes of a graph. Arrows that close a circle are left out of the layers, and drawn backward.

    >>> lay_out(["a", "b"], [("a", "b")]).places
    {'a': (0, 0.0), 'b': (1, 0.0)}
    """
    ids, pairs = list(dict.fromkeys(nodes)), list(dict.fromkeys(arrows))
    layer = assign_layers(ids, pairs)
    chains = _chains(pairs, layer)
    links = [link for chain in chains.values() for link in pairwise(chain)]
    columns = _order(_columns(ids, layer, chains), links)
    rows = _rows(columns, links)
    columns_of = {slot: number for number, column in enumerate(columns) for slot in column}
    place = {slot: (columns_of[slot], rows[slot]) for slot in columns_of}
    return Layout(
        {id: place[id] for id in ids},
        {pair: tuple(place[slot] for slot in chains[pair]) for pair in pairs},
        len(columns),
        max(rows.values(), default=-1.0) + 1,
    )


def assign_layers(ids: Sequence[str], arrows: Sequence[Arrow]) -> dict[str, int]:
    """Return the layer of each node: the number of arrows on the longest way to it."""
    children: dict[str, list[str]] = {id: [] for id in ids}
    open_parents = dict.fromkeys(ids, 0)
    for parent, child in arrows:
        if parent != child:
            children[parent].append(child)
            open_parents[child] += 1
    layer = dict.fromkeys(ids, 0)
    left = dict.fromkeys(ids)
    ready = [id for id in ids if not open_parents[id]]
    while left:
        if not ready:  # what is left are circles, and what follows them
            ready = [min(left, key=lambda id: open_parents[id])]
        id = ready.pop()
        del left[id]
        for child in children[id]:
            if child in left:
                layer[child] = max(layer[child], layer[id] + 1)
                open_parents[child] -= 1
                if not open_parents[child]:
                    ready.append(child)
    return layer


def _chains(arrows: Sequence[Arrow], layer: Mapping[str, int]) -> dict[Arrow, list[Slot]]:
    """Return what each arrow passes through: its nodes, and a gap in each layer between them."""
    gaps = sum(max(0, layer[child] - layer[parent] - 1) for parent, child in arrows)
    chains: dict[Arrow, list[Slot]] = {}
    for number, (parent, child) in enumerate(arrows):
        between = range(layer[parent] + 1, layer[child]) if gaps <= MOST_GAPS else ()
        chains[parent, child] = [parent, *((number, n) for n in between), child]
    return chains


def _columns(
    ids: Sequence[str], layer: Mapping[str, int], chains: Mapping[Arrow, Sequence[Slot]]
) -> list[list[Slot]]:
    columns: list[list[Slot]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for id in ids:
        columns[layer[id]].append(id)
    for chain in chains.values():
        for slot in chain[1:-1]:
            columns[int(slot[1])].append(slot)
    return columns


Link = tuple[Slot, Slot]


def _order(columns: list[list[Slot]], links: Sequence[Link]) -> list[list[Slot]]:
    """Sort each column by the mean position of its neighbors. Returns the order with the fewest crossings."""
    before, after = _neighbors(links)
    best, fewest = columns, count_crossings(columns, links)
    for _ in range(SWEEPS):
        for neighbors, steps in ((before, 1), (after, -1)):
            columns = _sweep(columns, neighbors, steps)
            crossings = count_crossings(columns, links)
            if crossings < fewest:
                best, fewest = columns, crossings
    return best


def _sweep(
    columns: Sequence[Sequence[Slot]], neighbors: Mapping[Slot, Sequence[Slot]], step: int
) -> list[list[Slot]]:
    found = [list(column) for column in columns]
    position = {slot: float(n) for column in found for n, slot in enumerate(column)}
    for column in found[::step]:
        wanted = {slot: _mean(position, neighbors.get(slot, ()), position[slot]) for slot in column}
        column.sort(key=wanted.__getitem__)
        position |= {slot: float(n) for n, slot in enumerate(column)}
    return found


def count_crossings(columns: Sequence[Sequence[Slot]], links: Sequence[Link]) -> int:
    """Return how many pairs of links between the same two columns cross."""
    position = {slot: n for column in columns for n, slot in enumerate(column)}
    column_of = {slot: number for number, column in enumerate(columns) for slot in column}
    between: dict[int, list[tuple[int, int]]] = {}
    for one, other in links:
        if column_of[other] == column_of[one] + 1:
            between.setdefault(column_of[one], []).append((position[one], position[other]))
    return sum(_inversions([end for _, end in sorted(pairs)]) for pairs in between.values())


def _inversions(numbers: Sequence[int]) -> int:
    """Return how many pairs are in falling order."""
    if len(numbers) < 2:
        return 0
    half = len(numbers) // 2
    left, right = numbers[:half], numbers[half:]
    found = _inversions(left) + _inversions(right)
    left, right, at = sorted(left), sorted(right), 0
    for number in left:
        while at < len(right) and right[at] < number:
            at += 1
        found += at
    return found


def _rows(columns: Sequence[Sequence[Slot]], links: Sequence[Link]) -> dict[Slot, float]:
    """Give each slot a row near those of its neighbors. Slots of a column keep their order, a row apart."""
    before, after = _neighbors(links)
    row = {slot: float(n) for column in columns for n, slot in enumerate(column)}
    for neighbors, step in ((before, 1), (after, -1), (before, 1)):
        for column in columns[::step]:
            row |= _spread(column, {slot: _mean(row, neighbors.get(slot, ()), row[slot]) for slot in column})
    first = min(row.values(), default=0.0)
    return {slot: found - first for slot, found in row.items()}


def _spread(column: Sequence[Slot], wanted: Mapping[Slot, float]) -> dict[Slot, float]:
    """Return rows at least one apart, as near to the wanted ones as a group that pushes can be."""
    groups: list[tuple[float, int]] = []  # the first row of slots that touch, and how many they are
    for slot in column:
        first, size = wanted[slot], 1
        while groups and groups[-1][0] + groups[-1][1] > first:
            other, length = groups.pop()
            first = (other * length + (first - length) * size) / (length + size)
            size += length
        groups.append((first, size))
    rows = (first + n for first, size in groups for n in range(size))
    return dict(zip(column, rows, strict=True))


def _mean(position: Mapping[Slot, float], slots: Sequence[Slot], default: float) -> float:
    return sum(position[slot] for slot in slots) / len(slots) if slots else default


def _neighbors(links: Sequence[Link]) -> tuple[dict[Slot, list[Slot]], dict[Slot, list[Slot]]]:
    before: dict[Slot, list[Slot]] = {}
    after: dict[Slot, list[Slot]] = {}
    for one, other in links:
        before.setdefault(other, []).append(one)
        after.setdefault(one, []).append(other)
    return before, after
