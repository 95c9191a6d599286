"""The options of an alert."""

from __future__ import annotations

from typing import Annotated

from jobs_core.options import About, Count, Duration, Option, TaskOptions, Time, Words, option_table


class AlertOptions(TaskOptions, total=False):
    """The options of an alert: `board.alert_put("ops", "notify", "ops", when="failed 3", every="4h")`."""

    when: Annotated[
        Words | None,
        About("conditions", "what to tell of: 'failed 3', 'late 10m' …; repeatable"),
    ]
    for_: Annotated[
        Words | None,
        About("scope", "ids, patterns, labels (team=payments) or queue:<name>; repeatable (default: all)"),
    ]
    every: Annotated[
        Duration | None, About("duration", "tell again after this long, while it goes on (default: never)")
    ]
    recovery: Annotated[bool | None, About("flag", "tell when it is over, too")]
    quiet: Annotated[
        str | None, About("word", "delay tasks in these hours until the hours are over: 22:00-07:00")
    ]
    zone: Annotated[str | None, About("word", "time zone of quiet: Europe/Brussels (default: UTC)")]
    burst: Annotated[
        Count | None, About("count", "combine tasks beyond this many a minute into one (default: 10)")
    ]
    lint_ignore: Annotated[
        Words | None, About("rules", "rules of `jobs lint` that do not apply to this alert: unmatched-alert")
    ]
    owner: str | None
    now: Time | None


ALERT_OPTIONS = option_table(AlertOptions)
"""What people give."""

STORED = ALERT_OPTIONS | {"owner": Option("owner", "text", "the board file that has the alert")}
"""What JALERT takes."""
