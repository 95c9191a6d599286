"""The lines of a crontab that set a variable: `PATH = "/usr/bin:/bin"`."""

from __future__ import annotations

import re

IGNORED = {
    "MAILFROM": "mails come from the address in the setting notify_smtp_from",
    "LOGNAME": "cron sets it; jobs use the one of their worker",
    "RANDOM_DELAY": "use the option jitter instead",
    "START_HOURS_RANGE": "only anacron uses it",
}
"""Variables for cron itself, and why Jobs ignores them."""

_SETTING = re.compile(
    r"""
    [ \t]* (?: "(?P<double>[^"]*)" | '(?P<single>[^']*)' | (?P<plain>[^\s='"]+) )
    [ \t]* = [ \t]* (?P<value>.*)
    """,
    re.VERBOSE,
)


class SettingError(ValueError):
    """A line that sets a variable in a form that cron rejects. `column` counts from 1."""

    def __init__(self, column: int, sentence: str) -> None:
        super().__init__(sentence)
        self.column = column


def parse_setting(text: str) -> tuple[str, str] | None:
    """Return the name and value that a line sets, or None if it sets none.

    As in cron, spaces around the equals sign are dropped, quotes keep spaces, and nothing is expanded.

    Raises:
        SettingError: Cron rejects the line.

    >>> parse_setting("PATH = '/opt/bin:/bin'")
    ('PATH', '/opt/bin:/bin')
    """
    match = _SETTING.fullmatch(text.rstrip(" \t\r\f\v"))
    if match is None:
        return None
    name = next(found for found in match.group("double", "single", "plain") if found is not None)
    if not (name.isascii() and name.isidentifier()):
        start = max(match.start(group) for group in ("double", "single", "plain"))
        raise SettingError(start + 1, "a variable name may contain only letters, digits and _; rename it")
    return name, _unquote(name, match["value"], match.start("value") + 1)


def _unquote(name: str, value: str, column: int) -> str:
    if not value:
        raise SettingError(column, f'{name} has no value, which cron rejects; write {name}=""')
    if value[0] not in "'\"":
        return value
    if len(value) < 2 or value.find(value[0], 1) != len(value) - 1:
        raise SettingError(column, f"the value of {name} begins with a quote but does not end with it")
    return value[1:-1]


def format_setting(name: str, value: str) -> str | None:
    """Return the line that sets a variable, or None if a crontab cannot express it.

    >>> format_setting("GREETING", " hello")
    'GREETING=" hello"'
    """
    for text in (f"{name}={value}", f'{name}="{value}"', f"{name}='{value}'"):
        try:
            if "\n" not in text and parse_setting(text) == (name, value):
                return text
        except SettingError:
            continue
    return None
