"""Jobs that run after others, on the command line: put, list, show, next, graph."""

from __future__ import annotations

import json
import time

import pytest

from jobs_core import Board
from jobs_core.client.graph import as_mermaid, graph_of
from tests.helpers import Jobs, lines, refused


@pytest.fixture
def diamond(board: Board) -> Board:
    """Put fetch, then clean and count after it, report after both, and alarm if one of them fails."""
    board.put("fetch", "shell", "true")
    board.put("clean", "shell", "true", after="fetch")
    board.put("count", "shell", "true", after="fetch")
    board.put("report", "shell", "true", after=["clean", "count"])
    board.put("alarm", "shell", "true", after=["clean", "gone"], on="dead", join="any")
    return board


def test_put_prints_the_parents(jobs: Jobs) -> None:
    jobs("put", "a", "console", "x")
    assert jobs("put", "b", "console", "x", "--after", "a").stdout == "b: runs after a\n"
    said = jobs("put", "b", "console", "x", "--after", "a,typo").stdout
    assert said == "b: runs after a, typo (not on the board yet: typo)\n"


def test_show_lists_ended_and_missing_parents(diamond: Board, jobs: Jobs) -> None:
    diamond.push("clean")
    (task,) = diamond.pop("shell", lease=30)
    diamond.ack(task.token)
    (report,) = lines(jobs("show", "report", "--json"))
    assert (report["met"], "missing" in report) == (["clean"], False)
    (alarm,) = lines(jobs("show", "alarm", "--json"))
    assert alarm["missing"] == ["gone"]
    assert "gone" in jobs("show", "alarm").stdout


def test_put_rejects_a_cycle_and_shows_it(jobs: Jobs) -> None:
    jobs("put", "b", "console", "x", "--after", "a")
    refused(
        jobs("put", "a", "console", "x", "--after", "b"), "after: expected no cycle, got a after b after a"
    )


@pytest.mark.usefixtures("diamond")
def test_list_and_show_print_the_parents(jobs: Jobs) -> None:
    rows = {line.split()[0]: line for line in jobs("list").stdout.splitlines()}
    assert "after clean, count" in rows["report"]
    assert "after clean, gone (any) on dead" in rows["alarm"]
    assert rows["report"].split()[1] == "waiting"
    (shown,) = lines(jobs("show", "alarm", "--json"))
    assert (shown["after"], shown["on"], shown["join"]) == (["clean", "gone"], "dead", "any")
    assert "clean,count" in jobs("show", "report").stdout


@pytest.mark.usefixtures("diamond")
def test_a_dependent_has_no_next_time(jobs: Jobs) -> None:
    found = jobs("next", "report")
    assert (found.exit_code, found.stdout) == (0, "")
    assert found.stderr == "There is no next run.\n"


def test_load_restores_a_dump(diamond: Board, jobs: Jobs) -> None:
    dumped = jobs("dump").stdout
    before = sorted(diamond.list(), key=lambda job: str(job["id"]))
    diamond.remove(*(job["id"] for job in before))
    jobs("load", "-", input=dumped)
    assert sorted(diamond.list(), key=lambda job: str(job["id"])) == before


@pytest.mark.usefixtures("diamond")
def test_graph_draws_trees(jobs: Jobs) -> None:
    assert jobs("graph").stdout.splitlines() == [
        "fetch (manual)",
        "├── clean (waiting for fetch)",
        "│   ├── alarm (after clean, gone; on dead, any; waiting for clean, gone)",
        "│   └── report (after clean, count; waiting for clean, count)",
        "└── count (waiting for fetch)",
        "    └── report (after clean, count; waiting for clean, count)",
        "gone (no such job)",
        "└── alarm (after clean, gone; on dead, any; waiting for clean, gone)",
    ]


@pytest.mark.usefixtures("diamond")
def test_graph_draws_the_neighborhood_of_a_job(jobs: Jobs) -> None:
    assert jobs("graph", "count").stdout.splitlines() == [
        "fetch (manual)",
        "└── count (waiting for fetch)",
        "    └── report (waiting for clean, count)",
    ]
    refused(jobs("graph", "nobody"), "there is no job 'nobody'")


def test_graph_shows_how_the_last_runs_ended(diamond: Board, jobs: Jobs) -> None:
    past = time.time() - 3 * 3600
    for id, outcome in (("fetch", "done"), ("count", "dead")):
        diamond.push(id, now=past)
        tasks = diamond.pop("shell", count=5, lease=30, now=past)
        (task,) = (task for task in tasks if task.job == id)
        diamond.ack(task.token, outcome, now=past)
    assert jobs("graph", "count").stdout.splitlines() == [
        "fetch (manual; last done 3 h ago)",
        "└── count (waiting for fetch; last dead 3 h ago)",
        "    └── report (waiting for clean, count)",
    ]
    arrows = {(arrow["parent"], arrow["child"]): arrow for arrow in lines(jobs("graph", "--json"))}
    ended = arrows["fetch", "count"]
    assert (ended["parent_last"], ended["child_last"]) == ("done", "dead")
    assert "child_last" not in arrows["count", "report"]
    last = diamond.graph().nodes["count"].last
    assert last == diamond.summary("count")["count"].last


def test_graph_expands_each_subtree_once(board: Board, jobs: Jobs) -> None:
    for id, after in (("c", "a,b"), ("d", "c")):
        board.put(id, "shell", "true", after=after)
    assert jobs("graph").stdout.splitlines() == [
        "a (no such job)",
        "└── c (after a, b; waiting for a, b)",
        "    └── d (waiting for c)",
        "b (no such job)",
        "└── c (after a, b; waiting for a, b) …",
    ]


def test_a_board_without_such_jobs_has_no_graph(board: Board, jobs: Jobs) -> None:
    board.put("a", "shell", "true", every=5)
    found = jobs("graph")
    assert (found.exit_code, found.stdout, found.stderr) == (0, "", "No job runs after another.\n")


@pytest.mark.usefixtures("diamond")
def test_graph_as_json_has_a_line_per_edge(jobs: Jobs) -> None:
    arrows = lines(jobs("graph", "--json"))
    states = {"parent_state": "manual", "child_state": "waiting", "met": False}
    assert {"parent": "fetch", "child": "clean", **states} in arrows
    gone = {"parent": "gone", "child": "alarm", "label": "on dead, any"}
    assert {**gone, "child_state": "waiting", "met": False} in arrows
    assert len(arrows) == 6


@pytest.mark.usefixtures("diamond")
def test_graph_as_dot(jobs: Jobs) -> None:
    drawn = jobs("graph", "--format", "dot").stdout
    assert drawn.startswith("digraph jobs {\n")
    assert '  "gone" [style=dashed];\n' in drawn
    assert '  "fetch" -> "clean";\n' in drawn
    assert '  "clean" -> "alarm" [label="on dead, any"];\n' in drawn


@pytest.mark.usefixtures("diamond")
def test_graph_as_mermaid(jobs: Jobs) -> None:
    drawn = jobs("graph", "--format", "mermaid").stdout.splitlines()
    assert drawn[0] == "flowchart LR"
    name = {line.split('"')[1]: line.split("[")[0].strip() for line in drawn if "[" in line}
    assert f"  {name['fetch']} --> {name['clean']}" in drawn
    assert f'  {name["clean"]} -->|"on dead, any"| {name["alarm"]}' in drawn


def test_ids_are_quoted(board: Board, jobs: Jobs) -> None:
    board.put('say"hi"', "shell", "true", after="back\\slash")
    assert r'"back\\slash" -> "say\"hi\"";' in jobs("graph", "--format", "dot").stdout
    assert '["say#quot;hi#quot;"]' in as_mermaid(graph_of(board.list()))
    assert json.loads(jobs("graph", "--json").stdout)["child"] == 'say"hi"'
