"""The alerts of a job's own: its options `on-failure` and `on-success`, each a runner and its payload."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

OWN = ("on-failure", "on-success")
"""The options."""


class Own(NamedTuple):
    """What one of the options asks for."""

    option: str
    runner: str
    payload: str


def own_alerts(options: Mapping[str, Any]) -> Iterator[Own]:
    """Yield what the options of a job ask for. Their names may have underscores.

    >>> list(own_alerts({"on_failure": "notify ops", "every": 5}))
    [Own(option='on-failure', runner='notify', payload='ops')]
    """
    for option in OWN:
        text = options.get(option.replace("-", "_"), options.get(option))
        if isinstance(text, str) and text:
            runner, _, payload = text.partition(" ")
            yield Own(option, runner, payload)
