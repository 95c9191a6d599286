"""Read Lambda's report of a run from the end of its log."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

FIELDS = {
    "duration": ("Duration", "durationMs", 1000),
    "billed": ("Billed Duration", "billedDurationMs", 1000),
    "init": ("Init Duration", "initDurationMs", 1000),
    "memory": ("Memory Size", "memorySizeMB", 1),
    "used": ("Max Memory Used", "maxMemoryUsedMB", 1),
}
"""The field; its name in a text log and in a JSON log; the divisor to its unit here."""


def find(log: Sequence[str]) -> dict[str, float]:
    """Return the last report in a log: times in seconds, memory in megabytes. Empty if there is none.

    >>> find(["REPORT RequestId: 7\\tDuration: 2.50 ms\\tBilled Duration: 3 ms\\tMemory Size: 128 MB"])
    {'duration': 0.0025, 'billed': 0.003, 'memory': 128}
    """
    for line in reversed(log):
        if line.startswith("REPORT "):
            return {name: _number(value, per) for name, value, per in _in_text(line)}
        if line.startswith("{") and '"platform.report"' in line:
            return {name: _number(value, per) for name, value, per in _in_json(line)}
    return {}


def _in_text(line: str) -> list[tuple[str, str, int]]:
    values = dict(re.findall(r"\t([A-Z][A-Za-z ]+): (\d+(?:\.\d+)?) M?[Bms]", line))
    return [(name, values[label], per) for name, (label, _, per) in FIELDS.items() if label in values]


def _in_json(line: str) -> list[tuple[str, Any, int]]:
    try:
        metrics = json.loads(line)["record"]["metrics"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return []
    if not isinstance(metrics, Mapping):
        return []
    found = [(name, metrics.get(label), per) for name, (_, label, per) in FIELDS.items()]
    return [each for each in found if type(each[1]) in (int, float)]


def _number(value: Any, per: int) -> float:
    """Convert to the unit, keeping whole numbers as int."""
    number = float(value) / per
    return int(number) if number.is_integer() else round(number, 6)
