"""Which jobs run after which: a drawing, and the same as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from jobs_core import Board, NotFoundError, Summary
from jobs_core.plugin_ui import Graph, graph_of
from jobs_web.charts.graph import Box, Line
from jobs_web.site import Page, View

MOST = 200
"""Jobs that are drawn at most."""

MOST_LINES = 1000
"""Dependencies that are drawn at most."""

BOARD = 5_000
"""Jobs of the largest board that is drawn as a whole: all of them are read for that."""


def graph(view: View) -> Page:
    """Draw all dependencies; with the field `job`, those that lead to this job and away from it."""
    board, job, jobs = view.board, view.query.get("job", ""), view.board.top(1).jobs
    if job:
        whole, ids = _nearby(board, job)
    elif jobs <= BOARD:
        whole = board.graph()
        ids = choose(whole)
    else:
        return Page("graph.html", {"job": job, "jobs": jobs, "is_too_large": True})
    drawn, edges = set(ids), [edge for edge in whole.edges if {edge.parent, edge.child} <= set(ids)]
    shown = Graph(edges[:MOST_LINES], whole.missing, whole.nodes)
    runs = board.summary(*(id for id in ids if id not in whole.missing))
    return Page(
        "graph.html",
        {
            "job": job,
            "boxes": [_box(view, shown, id, runs) for id in ids],
            "lines": _lines(shown),
            "rows": [(id, shown.incoming.get(id, ()), shown.outgoing.get(id, ())) for id in ids],
            "total": len({*whole.ids, *drawn}),
            "arrows": len(edges),
            "most_lines": MOST_LINES,
        },
    )


def choose(graph: Graph, most: int = MOST) -> list[str]:
    """Return the jobs to draw: whole groups of connected jobs, the largest first, as long as there is room.

    If the first group alone has no room, it is cut where it is farthest from its beginning.
    """
    groups = sorted(_groups(graph), key=lambda group: (-len(group), group[0]))
    found: list[str] = groups[0][:most] if groups else []
    for group in groups[1:]:
        if len(found) + len(group) <= most:
            found += group
    return found


def _groups(graph: Graph) -> Iterable[list[str]]:
    """Yield the connected jobs, each group by its distance from the first of its roots."""
    seen: set[str] = set()
    for start in [*graph.roots, *graph.ids]:
        if start in seen:
            continue
        seen.add(start)
        group = [start]
        for id in group:
            ways = [edge.child for edge in graph.outgoing.get(id, ())]
            ways += [edge.parent for edge in graph.incoming.get(id, ())]
            new = [way for way in dict.fromkeys(ways) if way not in seen]
            seen.update(new)
            group += new
        yield group


def _nearby(board: Board, job: str) -> tuple[Graph, list[str]]:
    """Read the jobs before and behind a job, the nearest first, without reading the others of the board."""
    relations = {job: board.when(job)}
    unread = [(id, name) for name in ("after", "followed_by") for id in relations[job].get(name, ())]
    ids = dict.fromkeys((job, *(id for id, _ in unread)))
    for id, name in unread:
        if len(relations) >= MOST:
            break
        try:
            relation = relations[id] = relations.get(id) or board.when(id)
        except NotFoundError:
            continue
        new = [one for one in relation.get(name, ()) if one not in ids]
        ids |= dict.fromkeys(new)
        unread += [(one, name) for one in new]
    found = graph_of(list(_shown(board, relations)), relations.values()).neighborhood(job)
    return found, list(ids)[:MOST]


def _shown(board: Board, ids: Iterable[str]) -> Iterable[Mapping[str, object]]:
    for id in ids:
        try:
            yield board.show(id)
        except NotFoundError:  # it was removed this moment
            continue


def _box(view: View, graph: Graph, id: str, runs: Mapping[str, Summary]) -> Box:
    is_current = id == view.query.get("job")
    if id in graph.missing:
        return Box(id, view.url("/graph", job=id), "missing", "does not exist", is_current)
    state = graph.nodes[id].state if id in graph.nodes else ""
    last = runs[id].last if id in runs else None
    mark = "dead" if last and last.outcome == "dead" else state
    words = " · ".join(word for word in (state, f"last {last.outcome}" if last else "") if word)
    return Box(id, view.url("/job", id=id), mark, words, is_current)


def _lines(graph: Graph) -> Sequence[Line]:
    return [
        Line(edge.parent, edge.child, edge.label, edge.parent in _met(graph, edge.child))
        for edge in graph.edges
    ]


def _met(graph: Graph, id: str) -> tuple[str, ...]:
    return graph.nodes[id].met if id in graph.nodes else ()
