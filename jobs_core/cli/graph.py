"""`jobs graph`: draw which jobs run after which."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from jobs_core.cli.common import (
    connected,
    echo,
    echo_json,
    json_option,
    open_board,
)
from jobs_core.cli.table import as_cell
from jobs_core.client.graph import Edge, Graph, Node, as_dot, as_mermaid
from jobs_core.wording import last_text, when

if TYPE_CHECKING:
    from rich.tree import Tree


@click.command()
@click.argument("id", required=False)
@click.option(
    "--format",
    "shape",
    type=click.Choice(("text", "dot", "mermaid")),
    default="text",
    show_default=True,
    help="The format of the drawing.",
)
@json_option
@connected
def graph(id: str | None, shape: str, as_json: bool, url: str | None, board_name: str) -> None:
    """Draw which jobs run after which, where each stands, and how its last run ended.

    With an ID, draws only the jobs before and after that job. JSON has one line per arrow: `met` says whether
    the parent has ended since the child's last run, `parent_last` and `child_last` how their last runs ended.

    \b
      jobs graph
      jobs graph report
      jobs graph --format dot | dot -Tsvg > board.svg
    """
    board = open_board(url, board_name)
    if id is not None:
        board.show(id)
    found = board.graph()
    if id is not None:
        found = found.neighborhood(id)
    if as_json:
        for edge in found.edges:
            echo_json(_arrow(found, edge))
    elif shape == "text":
        _print_trees(found)
    else:
        echo((as_dot if shape == "dot" else as_mermaid)(found))


def _arrow(graph: Graph, edge: Edge) -> dict[str, Any]:
    """Return an arrow, with where its two jobs stand."""
    found = {name: value for name, value in asdict(edge).items() if value}
    if edge.parent in graph.nodes:
        found |= _standing("parent", graph.nodes[edge.parent])
    child = graph.nodes[edge.child]
    found |= {**_standing("child", child), "met": edge.parent in child.met}
    times = {"due": child.due, "deadline": child.deadline}
    return found | {name: time for name, time in times.items() if time is not None}


def _standing(name: str, node: Node) -> dict[str, str]:
    last = {f"{name}_last": node.last.outcome} if node.last else {}
    return {f"{name}_state": node.state, **last}


def _print_trees(graph: Graph) -> None:
    from rich.console import Console
    from rich.tree import Tree

    if not graph.edges:
        echo("No job runs after another.", err=True)
        return
    console, drawn = Console(markup=False, highlight=False), set[str]()
    if not console.is_terminal:
        console.width = 1000
    for root in graph.roots:
        tree = Tree(_node_text(graph, root))
        _add_following(graph, tree, root, drawn)
        console.print(tree)


def _add_following(graph: Graph, tree: Tree, id: str, drawn: set[str]) -> None:
    """Add the jobs that follow a job. A job that appears again is not expanded again."""
    drawn.add(id)
    for edge in graph.outgoing.get(id, ()):
        again = edge.child in drawn and edge.child in graph.outgoing
        branch = tree.add(_node_text(graph, edge.child, edge) + (" …" if again else ""))
        if not again:
            _add_following(graph, branch, edge.child, drawn)


def _node_text(graph: Graph, id: str, edge: Edge | None = None) -> str:
    notes = [edge.label if edge else "", "no such job" if id in graph.missing else ""]
    parents = [other.parent for other in graph.incoming.get(id, ())]
    if edge and len(parents) > 1:
        notes.insert(0, "after " + ", ".join(parents))
    if id in graph.nodes:
        notes += _node_notes(graph.nodes[id])
    text = "; ".join(note for note in notes if note)
    return as_cell(f"{id} ({text})" if text else id)


def _node_notes(node: Node) -> list[str]:
    """Return where a job stands, and how its last run ended: `scheduled`, `last done 3 min ago`."""
    last = [f"last {last_text(asdict(node.last), time.time())}"] if node.last else []
    return [_node_state(node), *last]


def _node_state(node: Node) -> str:
    """Return the state of a job in words: `waiting for clean, count until 2026-12-01 09:30:00+00:00`."""
    if node.state != "waiting":
        return node.state
    words = ["waiting"]
    if node.waits_for:
        words.append(f"for {', '.join(node.waits_for)}")
    if node.deadline is not None:
        words.append(f"until {when(node.deadline)}")
    return " ".join(words)
