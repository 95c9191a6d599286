"""The fields of the form, in groups: the common ones first, and the others folded."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from jobs_core.plugin_ui import JOB_OPTIONS, SCHEDULE_OPTIONS, WORK_OPTIONS, Option
from jobs_web.editing.draft import OPTIONS, STATE, Draft, is_long

COMMON = frozenset(
    (
        *("cron", "zone", "every", "at", "after"),
        *("timeout", "policy", "attempts", "queue"),
        *("description", "label"),
    )
)
"""The options that are not folded."""


@dataclass(frozen=True, slots=True)
class Field:
    """An option to fill in."""

    option: Option
    value: str
    error: str

    @property
    def is_long(self) -> bool:
        """Whether it may have several lines."""
        return is_long(self.option.name)


@dataclass(frozen=True, slots=True)
class Group:
    """Options that belong together: those that are common, and those that are folded."""

    title: str
    common: list[Field]
    rest: list[Field]

    @property
    def is_open(self) -> bool:
        """Whether a folded option has a value or an error to be seen. The state always has values."""
        return any(field.error or (field.value and field.option.name not in STATE) for field in self.rest)


def groups(draft: Draft, errors: Mapping[str, str]) -> list[Group]:
    """Return all options of the form, with what was typed and what is wrong with it.

    Args:
        draft: What was typed.
        errors: Sentences by the names of options.
    """
    placed = (*SCHEDULE_OPTIONS, *WORK_OPTIONS, *STATE)
    about = [name for name in JOB_OPTIONS if name not in placed]
    parts: tuple[tuple[str, Collection[str]], ...] = (
        ("When", SCHEDULE_OPTIONS),
        ("How", WORK_OPTIONS),
        ("About", about),
        ("State", STATE),
    )
    return [
        _group(title, [name for name in names if name in OPTIONS], draft, errors) for title, names in parts
    ]


def _group(title: str, names: Collection[str], draft: Draft, errors: Mapping[str, str]) -> Group:
    found = [Field(JOB_OPTIONS[name], draft.typed.get(name, ""), errors.get(name, "")) for name in names]
    return Group(
        title,
        [field for field in found if field.option.name in COMMON],
        [field for field in found if field.option.name not in COMMON],
    )
