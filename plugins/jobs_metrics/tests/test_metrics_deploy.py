"""What deploy/metrics has uses metrics that exist, and promtool accepts it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jobs_metrics.counts import Counts
from jobs_metrics.exposition import BoardCollector, Exposition
from jobs_metrics.worker import WithoutCreated
from prometheus_client import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics

from jobs_core import Board, Decision, Event, Outcome, Runner, WorkerInfo
from jobs_core.testing import make_task

from .conftest import Scrape

DEPLOY = Path(__file__).parents[3] / "deploy" / "metrics"
DASHBOARD = json.loads((DEPLOY / "jobs-dashboard.json").read_text("utf-8"))
RULES = yaml.safe_load((DEPLOY / "jobs-rules.yml").read_text("utf-8"))
CONFIG = yaml.safe_load((DEPLOY / "prometheus.yml").read_text("utf-8"))

PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [target["expr"] for panel in PANELS for target in panel["targets"]]
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"]]

SELECTOR = re.compile(r"\b((?:jobs|process)_\w+)\b(?:\{([^}]*)\})?")


@pytest.fixture
def exposed(board: Board) -> dict[str, set[str]]:
    """The labels of all samples that a worker, and a board on which something ran, expose."""
    board.put("report", "shell", "x")
    board.push("report")
    (task,) = board.pop("shell", lease=60)
    board.ack(task.token, "done")
    board.tick()
    board.commands.call("JTICK", "now", 1_700_000_000)
    found: dict[str, set[str]] = {}
    for text in (worker_text(openmetrics), Exposition(board).read(True)[1].decode()):
        for one in Scrape(text).samples:
            found.setdefault(one.name, set()).update(one.labels)
    return found


def worker_text(generate: Any) -> str:
    counts = Counts(WorkerInfo("host-1", "jobs", ("shell",), 1))
    task = make_task(Runner("shell", print), "true")  # type: ignore[arg-type]
    counts.count(Event("task.started", task.due + 1, "host-1", task))
    done = {"outcome": Outcome.done(), "decision": Decision.done(), "data": {"seconds": 0.5}}
    counts.count(Event("task.finished", task.due + 2, "host-1", task, **done))
    text: bytes = generate(WithoutCreated(counts.registry))
    return text.decode()


def selectors(queries: list[str]) -> Iterator[tuple[str, set[str]]]:
    """Yield the metrics of queries, each with the names of the labels by which it is selected."""
    for query in queries:
        for name, matchers in SELECTOR.findall(query):
            yield name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))


@pytest.mark.parametrize("queries", [QUERIES, [rule["expr"] for rule in ALERTS]], ids=["dashboard", "alerts"])
def test_each_metric_that_is_used_is_exposed(queries: list[str], exposed: dict[str, set[str]]) -> None:
    found = list(selectors(queries))
    assert len(found) >= len(ALERTS) - 2  # two ask only whether a target is up
    for name, labels in found:
        assert name in exposed, name
        assert labels <= exposed[name], name


def test_each_metric_is_in_the_guide(exposed: dict[str, set[str]]) -> None:
    guide = (DEPLOY.parents[1] / "docs" / "guides" / "metrics.md").read_text("utf-8")
    listed = set(re.findall(r"`(jobs_\w+)`", guide))
    names = {re.sub(r"_(bucket|count|sum)$", "", name) for name in exposed if not name.startswith("process_")}
    assert names == listed


def test_the_dashboard_is_well_formed() -> None:
    variables = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert all(panel["datasource"]["uid"] == "${datasource}" for panel in PANELS)
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in DASHBOARD["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(cells)) == len(cells), "two panels overlap"
    assert all(x < 24 for x, _ in cells)
    assert all(panel["description"] for panel in PANELS)


def test_each_alert_says_what_is_wrong_and_what_to_do() -> None:
    for rule in ALERTS:
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"].endswith(".") and rule["annotations"]["description"], rule
    jobs = {found["job_name"] for found in CONFIG["scrape_configs"]}
    used = {job for rule in ALERTS for job in re.findall(r'\bup\{job="([^"]+)"', rule["expr"])}
    assert used == jobs
    assert CONFIG["rule_files"] == ["jobs-rules.yml"]


needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool on PATH")


def promtool(*words: str | Path, text: str | None = None) -> None:
    done = subprocess.run(["promtool", *words], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert text is None or not done.stdout + done.stderr, "promtool has advice"


@needs_promtool
def test_promtool_accepts_the_rules_and_the_configuration() -> None:
    promtool("check", "rules", DEPLOY / "jobs-rules.yml")
    promtool("check", "config", DEPLOY / "prometheus.yml")


@needs_promtool
def test_the_alerts_fire_when_they_should() -> None:
    promtool("test", "rules", Path(__file__).with_name("rules.test.yml"))


@needs_promtool
def test_promtool_accepts_the_queries_of_the_dashboard(tmp_path: Path) -> None:
    queries = [query.replace("$__rate_interval", "1m").replace("$board", ".*") for query in QUERIES]
    rules = [{"record": f"query:{n}", "expr": query} for n, query in enumerate(queries)]
    path = tmp_path / "queries.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", path)


@needs_promtool
def test_promtool_accepts_the_names_of_the_metrics(board: Board) -> None:
    promtool("check", "metrics", text=worker_text(generate_latest))
    board.put("report", "shell", "x")
    promtool("check", "metrics", text=generate_latest(BoardCollector(board, per_job=True)).decode())
