"""The dependencies between the jobs of a board, as a graph that Graphviz and Mermaid can draw."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from jobs_core.runs import Run, as_run, without_durations


@dataclass(frozen=True, slots=True)
class Edge:
    """The job `child` runs after `parent`. `label` shows a condition other than "all done"."""

    parent: str
    child: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """Where a job stands.

    Args:
        state: The state of the job, as in `jobs list`.
        met: The parents that have ended since the job's last run.
        waits_for: The parents that have not, if all of them are needed; with `join any`, all if none has.
        due: When the occurrence was due that waits for them, in epoch seconds; None if none waits.
        deadline: When that occurrence stops waiting, in epoch seconds; None if it has no deadline.
        last: The job's last run; None if none is known.
    """

    state: str
    met: tuple[str, ...] = ()
    waits_for: tuple[str, ...] = ()
    due: float | None = None
    deadline: float | None = None
    last: Run | None = None


@dataclass(frozen=True)
class Graph:
    """Jobs that run after others, and their parents.

    `missing` has the parents that do not exist, and `nodes` where the others stand.
    """

    edges: list[Edge] = field(default_factory=list)
    missing: frozenset[str] = frozenset()
    nodes: Mapping[str, Node] = field(default_factory=dict)

    @cached_property
    def outgoing(self) -> Mapping[str, list[Edge]]:
        """The outgoing edges of each job."""
        return _group(self.edges, lambda edge: edge.parent)

    @cached_property
    def incoming(self) -> Mapping[str, list[Edge]]:
        """The incoming edges of each job."""
        return _group(self.edges, lambda edge: edge.child)

    @property
    def ids(self) -> list[str]:
        return sorted({id for edge in self.edges for id in (edge.parent, edge.child)})

    @property
    def roots(self) -> list[str]:
        """The jobs without parents."""
        return [id for id in self.ids if id not in self.incoming]

    def neighborhood(self, id: str) -> Graph:
        """Return the subgraph of a job's ancestors and descendants."""
        before = _reachable(id, lambda job: [edge.parent for edge in self.incoming.get(job, ())])
        behind = _reachable(id, lambda job: [edge.child for edge in self.outgoing.get(job, ())])
        edges = [edge for edge in self.edges if edge.child in before or edge.parent in behind]
        return Graph(edges, self.missing, self.nodes)


def _group(edges: Iterable[Edge], end: Callable[[Edge], str]) -> Mapping[str, list[Edge]]:
    found: dict[str, list[Edge]] = {}
    for edge in edges:
        found.setdefault(end(edge), []).append(edge)
    return found


def _reachable(id: str, ways: Callable[[str], list[str]]) -> set[str]:
    found, to_see = {id}, [id]
    while to_see:
        new = set(ways(to_see.pop())) - found
        found |= new
        to_see += new
    return found


CHUNK = 100
"""Jobs whose dependencies one call reads."""


def chunks_of_children(jobs: Iterable[Mapping[str, Any]]) -> list[list[str]]:
    """Return the ids of the jobs that run after others, in chunks for JWHEN."""
    ids = [job["id"] for job in jobs if "after" in job]
    return [ids[at : at + CHUNK] for at in range(0, len(ids), CHUNK)]


def as_relations(replies: Iterable[Iterable[str | None]]) -> list[dict[str, Any]]:
    """Read JWHEN replies."""
    return [json.loads(text) for reply in replies for text in reply if text]


def graph_of(jobs: Iterable[Mapping[str, Any]], relations: Iterable[Mapping[str, Any]] = ()) -> Graph:
    """Make the graph of jobs that `Board.list` yields. `relations` are what `Board.when` returns of some.

    Jobs read with `summary` have their last runs.

    >>> graph_of([{"id": "a"}, {"id": "b", "after": ["a"]}]).edges
    [Edge(parent='a', child='b', label='')]
    """
    nodes, edges, of = {}, [], {relation["id"]: relation for relation in relations}
    for job in jobs:
        nodes[job["id"]] = _node(job, of.get(job["id"], {}))
        words = (f"on {job['on']}" if "on" in job else "", job.get("join", ""))
        label = ", ".join(word for word in words if word)
        edges += [Edge(parent, job["id"], label) for parent in job.get("after", ())]
    edges.sort(key=lambda edge: (edge.parent, edge.child))
    ids = {id for edge in edges for id in (edge.parent, edge.child)}
    kept = {id: node for id, node in nodes.items() if id in ids}
    return Graph(edges, frozenset(ids - nodes.keys()), kept)


def _node(job: Mapping[str, Any], relation: Mapping[str, Any]) -> Node:
    met, waiting = relation.get("met", ()), relation.get("waiting", {})
    left = [id for id in relation.get("after", ()) if id not in met]
    is_complete = bool(met) and relation.get("join") == "any"
    return Node(
        job.get("state", ""),
        tuple(met),
        () if is_complete else tuple(left),
        waiting.get("due"),
        waiting.get("deadline"),
        as_run(job["id"], without_durations(job["last"])) if "last" in job else None,
    )


def as_dot(graph: Graph) -> str:
    """Write a graph for Graphviz: `jobs graph --format dot | dot -Tsvg > board.svg`."""

    def quoted(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    lines = [f"  {quoted(id)} [style=dashed];" for id in sorted(graph.missing & set(graph.ids))]
    for edge in graph.edges:
        label = f" [label={quoted(edge.label)}]" if edge.label else ""
        lines.append(f"  {quoted(edge.parent)} -> {quoted(edge.child)}{label};")
    return "\n".join(["digraph jobs {", "  rankdir=LR; node [shape=box];", *lines, "}"])


def as_mermaid(graph: Graph) -> str:
    """Write a graph for Mermaid, which Markdown viewers draw."""
    names = {id: f"j{number}" for number, id in enumerate(graph.ids)}
    lines = [f'  {name}["{_mermaid_text(id)}"]' for id, name in names.items()]
    for edge in graph.edges:
        label = f'|"{edge.label}"|' if edge.label else ""
        lines.append(f"  {names[edge.parent]} -->{label} {names[edge.child]}")
    return "\n".join(["flowchart LR", *lines])


def _mermaid_text(text: str) -> str:
    return text.replace("#", "#35;").replace('"', "#quot;")
