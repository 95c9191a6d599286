"""The graph: which jobs run after which."""

from __future__ import annotations

import random
import re
from html import unescape
from itertools import pairwise

import pytest
from jobs_web.charts.graph import Box, Line, graph_chart
from jobs_web.charts.layers import assign_layers, count_crossings, lay_out
from jobs_web.pages.graph import choose
from playwright.sync_api import Page, expect

from jobs_core import Board
from jobs_core.plugin_ui import graph_of
from plugins.jobs_web.tests.conftest import Served


def put_chain(board: Board, *ids: str) -> None:
    board.put(ids[0], "shell", "x", every=3600)
    for parent, child in pairwise(ids):
        board.put(child, "shell", "x", after=[parent])


def test_a_node_is_one_layer_behind_the_last_of_its_parents() -> None:
    arrows = [("a", "b"), ("b", "c"), ("a", "c"), ("x", "c")]
    assert assign_layers(["a", "b", "c", "x"], arrows) == {"a": 0, "b": 1, "c": 2, "x": 0}


def test_an_arrow_across_layers_passes_beside_the_nodes_between() -> None:
    layout = lay_out("abc", [("a", "b"), ("b", "c"), ("a", "c")])
    (_, _), (column, row), (_, _) = layout.routes["a", "c"]
    assert column == layout.places["b"][0]
    assert abs(row - layout.places["b"][1]) >= 1


def test_layers_are_ordered_so_that_arrows_do_not_cross() -> None:
    layout = lay_out(["a", "b", "c", "1", "2", "3"], [("a", "3"), ("b", "2"), ("c", "1")])
    row = {id: row for id, (_, row) in layout.places.items()}
    assert [row["3"] - row["a"], row["2"] - row["b"], row["1"] - row["c"]] == [0, 0, 0]


def test_crossings_are_counted() -> None:
    assert count_crossings([["a", "b"], ["c", "d"]], [("a", "d"), ("b", "c")]) == 1
    assert count_crossings([["a", "b"], ["c", "d"]], [("a", "c"), ("b", "d"), ("a", "d")]) == 0


@pytest.mark.parametrize("seed", range(20))
def test_nodes_never_overlap(seed: int) -> None:
    rng = random.Random(seed)
    ids = [f"j{n}" for n in range(40)]
    pairs = {tuple(sorted(rng.sample(range(40), 2))) for _ in range(70)}
    layout = lay_out(ids, [(ids[a], ids[b]) for a, b in pairs])
    for one in ids:
        for other in ids:
            (column, row), (column_2, row_2) = layout.places[one], layout.places[other]
            assert one == other or column != column_2 or abs(row - row_2) >= 0.999
    assert all(row >= 0 and row <= layout.rows - 1 for _, row in layout.places.values())
    for a, b in pairs:
        assert layout.places[ids[a]][0] < layout.places[ids[b]][0]


def test_circles_are_drawn_too() -> None:
    layout = lay_out("abc", [("a", "b"), ("b", "c"), ("c", "a"), ("a", "a")])
    assert set(layout.places) == set("abc")
    assert len(layout.routes) == 4


def test_whole_groups_are_chosen_the_largest_first() -> None:
    jobs = [{"id": "a"}, {"id": "b", "after": ["a"]}]
    jobs += [{"id": "x0"}, *({"id": f"x{n}", "after": [f"x{n - 1}"]} for n in range(1, 9))]
    found = graph_of(jobs)
    assert choose(found, 11) == [*(f"x{n}" for n in range(9)), "a", "b"]
    assert choose(found, 10) == [f"x{n}" for n in range(9)]
    assert choose(found, 4) == ["x0", "x1", "x2", "x3"]


def test_the_drawing_escapes_what_it_shows() -> None:
    drawn = graph_chart([Box('<b>"&', "/job?id=1", "dead", "<i>")], [])
    assert "<b>" not in drawn and "<i>" not in drawn
    assert "&lt;b&gt;&#34;&amp;" in drawn


def test_a_met_parent_has_a_solid_arrow() -> None:
    boxes = [Box("a", "", "scheduled", ""), Box("b", "", "waiting", "")]
    assert 'class="arrow met"' in graph_chart(boxes, [Line("a", "b", is_met=True)])
    assert 'class="arrow met"' not in graph_chart(boxes, [Line("a", "b")])


def drawn(text: str) -> list[str]:
    return [unescape(id) for id in re.findall(r'class="node [^>]*"><title>([^:]*): ', text)]


def test_the_page_draws_all_dependencies(board: Board, served: Served) -> None:
    put_chain(board, "load", "clean", "report")
    board.put("tell", "shell", "x", after=["report", "gone"], on="dead")
    board.put("alone", "shell", "x", every=60)
    text = served.client.get("/graph").text
    assert sorted(drawn(text)) == ["clean", "gone", "load", "report", "tell"]
    assert "gone: does not exist" in text
    assert "tell after report (on dead)" in text
    assert 'href="/job?id=clean"' in text


def test_the_page_of_a_job_draws_what_leads_to_it_and_away(board: Board, served: Served) -> None:
    put_chain(board, "load", "clean", "report")
    put_chain(board, "load", "archive")
    put_chain(board, "other", "child")
    board.put("clean", "shell", "x", after=["load", "nowhere"])
    text = served.client.get("/graph", params={"job": "clean"}).text
    assert drawn(text) == ["clean", "load", "nowhere", "report"]
    assert 'class="node waiting current"' in text
    assert served.client.get("/graph", params={"job": "no-such"}).status_code == 404


def test_a_failed_run_marks_its_job(board: Board, served: Served) -> None:
    put_chain(board, "load", "clean")
    task = board.push("load")
    (taken,) = board.pop("shell", lease=60)
    assert taken.id == task
    board.ack(taken.token, "dead")
    assert "load: scheduled · last dead" in served.client.get("/graph").text
    assert 'class="node dead"' in served.client.get("/graph").text


def test_a_large_graph_is_drawn_in_part(board: Board, served: Served) -> None:
    board.put("root", "shell", "x", every=60)
    list(
        board.put_many(
            {"id": f"leaf-{n:03}", "runner": "shell", "payload": "x", "after": ["root"]} for n in range(250)
        )
    )
    text = served.client.get("/graph").text
    assert len(drawn(text)) == 200
    assert "200 of 251 jobs are drawn" in text
    assert len(drawn(served.client.get("/graph", params={"job": "leaf-249"}).text)) == 2


def test_the_empty_page_says_what_to_type(board: Board, served: Served) -> None:
    assert "jobs put report shell ./report.sh --after load" in served.client.get("/graph").text


def test_the_browser_follows_a_node_and_sees_new_ones(board: Board, page: Page) -> None:
    put_chain(board, "load", "clean")
    page.goto("/graph")
    page.get_by_text("The same as a table").click()
    expect(page.locator("svg.graph a")).to_have_count(2)
    board.put("report", "shell", "x", after=["clean"])
    expect(page.locator("svg.graph a")).to_have_count(3)
    expect(page.get_by_role("row", name=re.compile("report"))).to_have_count(2)
    assert page.locator("svg.graph a").last.get_attribute("href") == "/job?id=report"
