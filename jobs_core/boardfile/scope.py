"""What jobs inherit: defaults, and groups that may be like other groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jobs_core.boardfile.model import Where
from jobs_core.options import nearest

Options = Mapping[str, tuple[Any, Where]]
"""Values by the names of options, each with its place."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The defaults and groups that hold for a job."""

    defaults: dict[str, tuple[Any, Where]] = field(default_factory=dict)
    groups: dict[str, tuple[dict[str, tuple[Any, Where]], Where]] = field(default_factory=dict)

    def inherited(self, group: str | None) -> dict[str, tuple[Any, Where]]:
        """What a job of a group inherits: of the group, of those it is like, and of the defaults."""
        found = dict(self.defaults)
        for name in reversed(list(self._line(group))):
            found |= {option: value for option, value in self.groups[name][0].items() if option != "like"}
        return found

    def problems(self, names: Iterable[str]) -> Iterator[tuple[Where, str]]:
        """What is wrong with what these groups are like."""
        for name in names:
            like, where = self.groups[name][0].get("like", (None, self.groups[name][1]))
            if like is not None and like not in self.groups:
                yield where, f"there is no group {like!r}{nearest(str(like), self.groups)}"
            way = list(self._line(name))
            last = self.groups[way[-1]][0].get("like", (None,))[0]
            if last == name:
                yield where, f"the group is like itself: {' like '.join([*way, name])}"

    def _line(self, group: str | None) -> Iterator[str]:
        """A group, what it is like, and so on: each once."""
        seen: set[str] = set()
        while group is not None and group in self.groups and group not in seen:
            seen.add(group)
            yield group
            group = self.groups[group][0].get("like", (None,))[0]
