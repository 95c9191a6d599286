"""A cron pattern in English, with what is odd about it."""

from __future__ import annotations

from typing import Any, Literal

from jobs_core.cron.explain import explain
from jobs_core.cron.forms import cron_warnings, zone_of
from jobs_core.crontab.machine import known_zone


def explained(
    pattern: str, zone: str | None = None, dst: Literal["vixie", "ocps"] = "vixie"
) -> dict[str, Any]:
    """Explain a cron pattern, as `jobs explain --json` prints it.

    Args:
        pattern: The pattern.
        zone: Its time zone.
        dst: The rule for its day fields.

    Returns:
        `pattern`, `explanation`, and `warnings` if anything is odd.

    Raises:
        OptionError: The pattern is invalid or never runs, or there is no such zone.

    >>> explained("0 3 * * *")["explanation"]
    'At 03:00 every day.'
    """
    options = {"cron": pattern, "zone": zone}
    used = zone_of(options)
    if used is not None:
        known_zone(used)
    found: dict[str, Any] = {"pattern": pattern, "explanation": explain(pattern, dst=dst, zone=zone)}
    warnings = cron_warnings(options)
    return found | ({"warnings": warnings} if warnings else {})
