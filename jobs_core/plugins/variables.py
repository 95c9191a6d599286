"""Environment variables that Jobs reads, and those that look like one of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase

from jobs_core.plugins.settings import Value, variable_of
from jobs_core.values import nearest

READ = (
    *("JOBS_REDIS_URL", "JOBS_BOARD", "JOBS_DATA", "JOBS_SERVER", "JOBS_SERVER_LOG_BYTES", "JOBS_CONFIG"),
    *("JOBS_DISABLE_PLUGINS", "JOBS_STRICT_PLUGINS", "JOBS_BY", "JOBS_PAGER", "JOBS_TOKEN", "JOBS_DEBUG"),
)
"""The variables that are no settings of plugins."""


def misspelled(settings: Iterable[Value], environ: Mapping[str, str]) -> list[str]:
    """Describe the variables that have no effect, but whose names resemble one that has.

    >>> misspelled([], {"JOBS_URL": "redis://db"})
    ["JOBS_URL has no effect (did you mean 'JOBS_REDIS_URL'?)"]
    """
    if "JOBS_TASK_ID" in environ:  # a runner has set variables for what it started
        return []
    values = list(settings)
    known, patterns = {*READ, *(variable_of(value.name) for value in values)}, list(_patterns(values))
    return [
        f"{name} has no effect{hint}"
        for name in sorted(environ)
        if name.startswith("JOBS_") and name not in known
        if not any(fnmatchcase(name, pattern) for pattern in patterns)
        if (hint := nearest(name, known))
    ]


def _patterns(settings: Iterable[Value]) -> Iterator[str]:
    """Yield the names and patterns of variables that settings name, and those of the entries of tables."""
    for one in settings:
        if isinstance(one.value, list):
            yield from map(str, one.value)
        elif isinstance(one.value, dict):
            yield f"{variable_of(one.name)}_*"
