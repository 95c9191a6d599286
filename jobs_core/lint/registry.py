"""All rules by name, and how they run."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from jobs_core.errors import OptionError
from jobs_core.lint import alerts, clocks, crowds, patterns, relations, schedules, work
from jobs_core.lint.model import AlertSubject, Finding, Rule, Subject, Surroundings
from jobs_core.values import nearest

T = TypeVar("T", Subject, AlertSubject)


def _unknown_rules(jobs: Sequence[Subject], around: Surroundings) -> Iterator[Finding]:
    subjects: list[Subject | AlertSubject] = [*jobs, *around.alerts]
    for one in subjects:
        for name in sorted(one.ignored - RULES.keys()):
            sentence = f"ignores the rule {name!r}, which does not exist{nearest(name, RULES)}"
            yield one.finding("unknown-rule", sentence, "correct or remove the name", "lint-ignore")


RULES: Mapping[str, Rule] = {
    rule.name: rule
    for rule in (
        *schedules.RULES,
        *clocks.RULES,
        *patterns.RULES,
        *crowds.RULES,
        *work.RULES,
        *relations.RULES,
        *alerts.RULES,
        Rule(
            "unknown-rule",
            "lint-ignore names a rule that does not exist",
            "A misspelled rule is not ignored.",
            _unknown_rules,
        ),
    )
}


def check_names(names: Collection[str]) -> None:
    """Reject names of rules that do not exist. Raises OptionError."""
    for name in names:
        if name not in RULES:
            hint = nearest(name, RULES) or f": choose {', '.join(RULES)}"
            raise OptionError(f"ignore: there is no rule {name!r}{hint}", option="ignore")


def unknown_names(options: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each rule that the option `lint-ignore` of a job names, but that does not exist.

    >>> unknown_names({"lint-ignore": "no-timeuot"})
    ["lint-ignore: there is no rule 'no-timeuot' (did you mean 'no-timeout'?)"]
    """
    value = options.get("lint-ignore", options.get("lint_ignore")) or ()
    names = value.split(",") if isinstance(value, str) else value
    unknown = sorted({str(name).strip() for name in names} - RULES.keys() - {""})
    return [f"lint-ignore: there is no rule {name!r}{nearest(name, RULES)}" for name in unknown]


def find(jobs: Sequence[Subject], around: Surroundings, ignore: Collection[str] = ()) -> list[Finding]:
    """Return what rules find in jobs, rule by rule.

    Args:
        jobs: The jobs.
        around: What rules know beside them, with the alerts.
        ignore: Names of rules that are not checked.

    Raises:
        OptionError: There is no rule of a name in `ignore`.
    """
    check_names(ignore)
    return [
        replace(finding, why=rule.why)
        for name, rule in RULES.items()
        if name not in ignore
        for finding in rule.check(_heeding(name, jobs), replace(around, alerts=_heeding(name, around.alerts)))
    ]


def _heeding(rule: str, subjects: Sequence[T]) -> list[T]:
    """Return the subjects that do not ignore a rule."""
    return [one for one in subjects if rule not in one.ignored]
