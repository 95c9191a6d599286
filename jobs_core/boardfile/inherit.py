"""What a job inherits: the options that can apply to it, and none that its own options rule out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from jobs_core.boardfile.model import Where
from jobs_core.options import UNITS

Options = Mapping[str, tuple[Any, Where]]
"""Values by the names of options, each with its location. The value None unsets an inherited option."""

_INTERVAL = frozenset(("every", *UNITS))
_ALTERNATIVES: dict[str, str] = {
    **dict.fromkeys(_INTERVAL, "interval"),
    **{name: name for name in ("at", "cron", "after")},
}
"""Options that say what makes a job run. A job has one kind of them."""

_REPEATING = ("start", "stop", "duration", "repeat", "overlap")
_LATE = ("jitter", "misfire", "grace")
_LEASED = ("lease", "attempts", "backoff", "retry-on", "never-on", "losses", "concurrency", "keep", "overlap")


def merge(far: Options, near: Options) -> dict[str, tuple[Any, Where]]:
    """Return options in which `near` replaces those of `far`. Labels are merged name by name."""
    found = {**far, **near}
    labels, inherited = near.get("label", (None,))[0], far.get("label", (None,))[0]
    if labels is not None and inherited is not None:
        found["label"] = ({**inherited, **labels}, near["label"][1])
    return found


def override(far: Options, near: Options) -> dict[str, tuple[Any, Where]]:
    """Return options in which `near` replaces those of `far`, and the schedules that it rules out."""
    given = {name for name, (value, _) in near.items() if value is not None}
    kinds = {_ALTERNATIVES[name] for name in given if name in _ALTERNATIVES}
    replaced = {name for name, kind in _ALTERNATIVES.items() if kinds and kind not in kinds}
    replaced |= {"stop", "duration"} if given & {"stop", "duration"} else set()
    return merge({name: value for name, value in far.items() if name not in replaced}, near)


def inherit(inherited: Options, own: Options) -> dict[str, tuple[Any, Where]]:
    """Return the options of a job: its own, and the inherited ones that can apply to it.

    >>> at = Where("board.yml")
    >>> inherit({"zone": ("Asia/Tokyo", at), "timeout": (9, at)}, {"every": (5, at)}).keys()
    dict_keys(['timeout', 'every'])
    """
    found = {name: value for name, value in override(inherited, own).items() if value[0] is not None}
    found = _without_unset_labels(found)
    values = {name: value for name, (value, _) in found.items()}
    unfit = _unfit(values, own.keys()) - own.keys()
    return {name: value for name, value in found.items() if name not in unfit}


def _without_unset_labels(options: Options) -> dict[str, tuple[Any, Where]]:
    """Drop labels that are null, and the option if none is left."""
    found = dict(options)
    if "label" in found:
        labels, where = found.pop("label")
        kept = {name: value for name, value in labels.items() if value is not None}
        if kept:
            found["label"] = (kept, where)
    return found


def _unfit(values: Mapping[str, Any], own: Collection[str]) -> set[str]:
    """Return the names of options that cannot apply beside the others. Redis has the same rules."""
    interval, cron, after = bool(_INTERVAL & values.keys()), "cron" in values, "after" in values
    has_time = interval or cron or "at" in values
    found: set[str] = set()
    if not cron:
        found |= {"zone", "dst"}
    if not after:
        found |= {"on", "join"}
    if not (interval or cron or after) or "at" in values:
        found |= {*_REPEATING, *_LATE}
    if after:
        found.add("jitter")
        if not has_time:
            found.update(_LATE)
        if values.get("misfire") == "all":
            found.add("misfire")
    if not (after and has_time):
        found |= {"deadline", "at-deadline"}
    if not interval or str(values.get("every", "")).startswith("R"):
        found |= {"decay", "step"}
    if "decay" not in values:
        found.add("step")
    if values.get("policy") == "none":
        found.update(_LEASED)
    if values.get("overlap") in ("queue", "replace") and str(values.get("concurrency", 1)) != "1":
        found.add("overlap" if "concurrency" in own else "concurrency")
    return found
