"""What the fields of a page's query may be. A page checks only what it parses itself, such as times."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from starlette.datastructures import QueryParams

from jobs_core import OptionError
from jobs_core.plugin_ui import JOB_STATES, TASK_STATES
from jobs_web.filters import JOB_SWITCHES, TASK_FIELDS
from jobs_web.pages.jobs import SORTS
from jobs_web.pages.timeline import BY, SPANS
from jobs_web.parameters import Parameter, read_values
from jobs_web.site import Page, View

LABEL = Parameter("label", "", {"pattern": r"\s*[^\s=]+=\S+\s*", "description": "name=value"})


def _texts(*names: str) -> list[Parameter]:
    """Return fields that may be any text, once."""
    return [Parameter(name, "") for name in names]


def _choice(name: str, values: Iterable[str]) -> Parameter:
    return Parameter(name, "", {"enum": list(values)})


def _switches(*names: str) -> list[Parameter]:
    return [_choice(name, "1") for name in names]


QUERIES: Mapping[str, Sequence[Parameter]] = {
    "/jobs": [
        *_texts("text", "label", "runner", "cursor"),
        *_switches(*JOB_SWITCHES),
        _choice("state", JOB_STATES),
        _choice("sort", SORTS),
    ],
    "/dead": _texts("code", "label", "cursor", *TASK_FIELDS),
    "/tasks": [*_texts("label", "cursor", *TASK_FIELDS), _choice("state", TASK_STATES)],
    "/limit": [_choice("kind", ("queue", "runner")), *_texts("name")],
    "/changes": _texts("job", "from", "to", "cursor"),
    "/job": [*_texts("id", "at"), *_switches("all")],
    "/alert": _texts("name"),
    "/alert/edit": _texts("name"),
    "/alert/new": _texts("like", "for"),
    "/job/edit": _texts("id"),
    "/job/new": _texts("like"),
    "/task": [*_texts("id"), *_switches("ask")],
    "/graph": _texts("job"),
    "/timeline": [
        *_texts("to", "zone", "match", "runner", "text"),
        LABEL,
        _choice("span", SPANS),
        _choice("by", BY),
    ],
    "/week": _texts("day", "text", "zone"),
}
"""The fields of each page that has some. Others are ignored: links get some to count who follows them."""


def answer(function: Callable[[View], Page], view: View) -> Page:
    """Return a page, if it can be what its query asks for. Empty fields are not given: forms have them.

    Raises:
        OptionError: A field has a value that it cannot have, or the cursor is no place in the list.
    """
    given = QueryParams([(name, value) for name, value in view.query.multi_items() if value])
    read_values(QUERIES.get(view.path, ()), given)
    try:
        return function(view)
    except OptionError as error:
        if error.option in ("cursor", "before"):
            sentence = "This is no place in the list. Open the list again, and follow its links."
            raise OptionError(sentence, option="cursor") from None
        raise
