"""Renders pages, and the parts of them that are live."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Any

from jinja2 import ChainableUndefined, Environment, PackageLoader, select_autoescape

from jobs_core.plugin_ui import visible
from jobs_web import job_texts
from jobs_web.charts import CHARTS
from jobs_web.site import Page, View
from jobs_web.texts import FILTERS

NAVIGATION = (
    ("/", "Overview", "o"),
    ("/jobs", "Jobs", "j"),
    ("/alerts", "Alerts", "a"),
    ("/timeline", "Timeline", "t"),
    ("/week", "Week", "w"),
    ("/queues", "Queues", "q"),
    ("/workers", "Workers", "k"),
    ("/dead", "Dead letters", "d"),
    ("/graph", "Graph", "g"),
    ("/changes", "Changes", "c"),
    ("/boards", "Boards", "b"),
)
"""The pages that every page leads to, each with the key that follows `g` to go there."""

LIVE = "live_"
"""Blocks whose names begin so are live: each is the whole content of the element with that id."""


@cache
def environment() -> Environment:
    """Return the templates. Everything that they print is escaped, and shows characters that would hide.

    Fields of forms need a text as it is: `value="{{ id | as_is }}"`.
    """
    found = Environment(
        loader=PackageLoader("jobs_web"),
        autoescape=select_autoescape(default=True),
        finalize=_shown,
        undefined=ChainableUndefined,  # jobs and runs leave out what is unknown
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(FILTERS | job_texts.FILTERS)
    found.globals.update(CHARTS)
    found.globals["pages"] = NAVIGATION
    # Macros are a global, because a live block is rendered without the rest of its template.
    found.globals["ui"] = found.get_template("macros.html").module
    found.globals["alert_ui"] = found.get_template("alert_macros.html").module
    return found


def _shown(value: object) -> object:
    """Make control characters of a text visible. What is HTML already stays as it is."""
    return visible(value) if type(value) is str else value


def render(view: View, page: Page, said: str | None = None) -> str:
    """Render a page. `said` is what the last action says."""
    return environment().get_template(page.template).render(_context(view, page), said=said)


def render_parts(view: View, page: Page) -> dict[str, str]:
    """Render the live parts of a page alone, by the ids of their elements."""
    template = environment().get_template(page.template)
    context = template.new_context(_context(view, page))
    return {name: "".join(block(context)) for name, block in template.blocks.items() if name.startswith(LIVE)}


def _context(view: View, page: Page) -> dict[str, Any]:
    may: Callable[..., bool] = view.user.may
    return {"view": view, "url": view.url, "may": may, "now": time.time(), **page.data}
