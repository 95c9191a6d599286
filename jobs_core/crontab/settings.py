"""The lines of a crontab that set a variable: `PATH = "/usr/bin:/bin"`."""

from __future__ import annotations

import re

LEFT_OUT = {
    "MAILTO": "nothing is mailed, output goes to the loggers and `jobs history`",
    "MAILFROM": "nothing is mailed, output goes to the loggers and `jobs history`",
    "LOGNAME": "cron sets it itself, and jobs have that of their worker",
    "RANDOM_DELAY": "put the jobs with the option jitter instead",
    "START_HOURS_RANGE": "it is anacron's",
}
"""Variables that say something to cron itself, and why they are not kept."""

_SETTING = re.compile(
    r"""
    [ \t]* (?: "(?P<double>[^"]*)" | '(?P<single>[^']*)' | (?P<plain>[^\s='"]+) )
    [ \t]* = [ \t]* (?P<value>.*)
    """,
    re.VERBOSE,
)


class SettingError(ValueError):
    """A line that sets a variable, but not as cron reads it. `column` counts from 1."""

    def __init__(self, column: int, sentence: str) -> None:
        super().__init__(sentence)
        self.column = column


def setting(text: str) -> tuple[str, str] | None:
    """The name and value that a line sets; None for a line that sets nothing. Raises SettingError.

    As in cron, blanks around the equals sign go, quotes keep those within them, and nothing is expanded.

    >>> setting("PATH = '/opt/bin:/bin'")
    ('PATH', '/opt/bin:/bin')
    """
    match = _SETTING.fullmatch(text.rstrip(" \t\r\f\v"))
    if match is None:
        return None
    name = next(found for found in match.group("double", "single", "plain") if found is not None)
    if not (name.isascii() and name.isidentifier()):
        start = max(match.start(group) for group in ("double", "single", "plain"))
        raise SettingError(start + 1, "a variable's name is made of letters, digits and _: rename it")
    return name, _unquoted(name, match["value"], match.start("value") + 1)


def _unquoted(name: str, value: str, column: int) -> str:
    if not value:
        raise SettingError(column, f'{name} has no value, which cron refuses: write {name}=""')
    if value[0] not in "'\"":
        return value
    if len(value) < 2 or value.find(value[0], 1) != len(value) - 1:
        raise SettingError(column, f"the quote that opens the value of {name} must close at its end")
    return value[1:-1]


def written(name: str, value: str) -> str | None:
    """The line that sets a variable; None when a crontab cannot say it.

    >>> written("GREETING", " hello")
    'GREETING=" hello"'
    """
    for text in (f"{name}={value}", f'{name}="{value}"', f"{name}='{value}'"):
        try:
            if "\n" not in text and setting(text) == (name, value):
                return text
        except SettingError:
            continue
    return None
