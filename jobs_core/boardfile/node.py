"""A document as a tree of values with their locations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jobs_core.boardfile.model import Where


@dataclass(frozen=True, slots=True)
class Node:
    """A value of a document: a scalar, a list of nodes, or a list of pairs of nodes (a mapping).

    The kind of `null` is "null". A key without any value is a scalar, and has the value None, too.
    """

    value: Any
    where: Where
    kind: str = "scalar"

    @property
    def is_mapping(self) -> bool:
        return self.kind == "mapping"

    @property
    def is_list(self) -> bool:
        return self.kind == "list"

    def pairs(self) -> Iterator[tuple[Node, Node]]:
        """Yield the keys and values of a mapping."""
        yield from self.value

    def get(self, key: str) -> Node | None:
        """Return the value of a key, or None if this is no mapping or lacks the key."""
        if not self.is_mapping:
            return None
        return next((value for name, value in self.value if name.value == key), None)

    def plain(self) -> Any:
        """Return the value as plain Python, without locations."""
        if self.is_mapping:
            return {str(key.value): value.plain() for key, value in self.value}
        if self.is_list:
            return [item.plain() for item in self.value]
        return self.value
