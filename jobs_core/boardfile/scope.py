"""Defaults and groups, from which jobs inherit. A group may inherit from another (`like`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from jobs_core.boardfile.inherit import override
from jobs_core.boardfile.model import Where
from jobs_core.values import nearest


@dataclass(frozen=True, slots=True)
class Scope:
    """The defaults and groups that apply to a job."""

    defaults: dict[str, tuple[Any, Where]] = field(default_factory=dict)
    groups: dict[str, tuple[dict[str, tuple[Any, Where]], Where]] = field(default_factory=dict)

    def inherited(self, group: str | None) -> dict[str, tuple[Any, Where]]:
        """Return the options that a job inherits from its group, the groups above, and the defaults."""
        found = dict(self.defaults)
        for name in reversed(list(self._chain(group))):
            group_options = {opt: value for opt, value in self.groups[name][0].items() if opt != "like"}
            found = override(found, group_options)
        return found

    def problems(self, names: Iterable[str]) -> Iterator[tuple[Where, str]]:
        """Yield the mistakes in the `like` of these groups: unknown groups and cycles."""
        for name in names:
            like, where = self.groups[name][0].get("like", (None, self.groups[name][1]))
            if like is not None and like not in self.groups:
                yield where, f"unknown group {like!r}{nearest(str(like), self.groups)}"
            chain = list(self._chain(name))
            last = self.groups[chain[-1]][0].get("like", (None,))[0]
            if last == name:
                yield where, f"the group inherits from itself: {' like '.join([*chain, name])}"

    def _chain(self, group: str | None) -> Iterator[str]:
        """Yield a group, the group it inherits from, and so on, each once."""
        seen: set[str] = set()
        while group is not None and group in self.groups and group not in seen:
            seen.add(group)
            yield group
            group = self.groups[group][0].get("like", (None,))[0]
