"""Findings of `jobs lint`: as text by rule, as JSON, and as annotations for GitHub."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import click

from jobs_core.cli.common import echo, echo_json
from jobs_core.text import visible

if TYPE_CHECKING:
    from jobs_core.boardfile.lint import Located

SHOWN = 10
"""Findings of one rule that text shows. `--json` has all."""

WIDEST = 80


def echo_findings_json(found: Sequence[Located]) -> None:
    """Print one JSON object for each finding."""
    for finding, where in found:
        place = {} if where is None else {"file": where.file, "line": where.line, "column": where.column}
        echo_json(
            {
                **place,
                "rule": finding.rule,
                "job": finding.job,
                **({"alert": finding.alert} if finding.alert else {}),
                "option": finding.option,
                "sentence": finding.sentence,
                "why": finding.why,
                "advice": finding.advice,
                "silence": finding.silence,
            }
        )


def echo_findings(found: Sequence[Located], total: int) -> None:
    """Print findings by rule, then how many there are."""
    for rule, members in groupby(found, key=lambda one: one[0].rule):
        _echo_rule(rule, list(members))
    count, jobs = len(found), f"{total} job{'s' * (total != 1)}"
    if not found:
        echo(f"nothing found in {jobs}")
        return
    with_findings = len({finding.job for finding, _ in found if finding.job is not None})
    findings = f"{count} finding{'s' * (count != 1)}"
    echo(f"{findings} in {with_findings} of {jobs}" if with_findings else f"{findings} among {jobs}")


def _echo_rule(rule: str, members: Sequence[Located]) -> None:
    """Print the findings of one rule: why it matters, each job, and what to write instead."""
    first = members[0][0]
    click.echo(click.style(f"{rule} ({len(members)})", bold=True, fg="yellow"))
    _echo_wrapped(first.why, "  ")
    advice = {finding.advice for finding, _ in members}
    for finding, where in members[:SHOWN]:
        place = "" if where is None else f"{where}: "
        _echo_wrapped(f"{place}{finding.sentence}", "  - ")
        if len(advice) > 1:
            _echo_wrapped(f"Instead: {finding.advice}.", "    ")
    if len(members) > SHOWN:
        echo(f"  … and {len(members) - SHOWN} more, which --json prints")
    if len(advice) == 1:
        _echo_wrapped(f"Instead: {first.advice}.", "  ")
    _echo_wrapped(f"To silence it: {first.silence}.", "  ")
    echo()


def _echo_wrapped(text: str, indent: str) -> None:
    width = min(WIDEST, shutil.get_terminal_size().columns)
    rest = " " * len(indent)
    lines = textwrap.wrap(
        visible(text),
        width,
        initial_indent=indent,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
    for line in lines:
        echo(line)


def echo_annotations(found: Sequence[Located], total: int) -> None:
    """Print findings as commands that GitHub shows beside the lines of a file."""
    for finding, where in found:
        place = "" if where is None else f"file={_property(where.file)},line={where.line},"
        text = f"{finding.sentence}. Instead: {finding.advice}."
        click.echo(f"::warning {place}title={_property(finding.rule)}::{_data(text)}")


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


PRINTERS: Mapping[str, Callable[[Sequence[Located], int], None]] = {
    "text": echo_findings,
    "github": echo_annotations,
}
