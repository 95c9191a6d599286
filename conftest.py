"""Which tests are slow: `scripts/test` leaves them out, `scripts/test --all` does not."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parent

SLOW = (
    # start clusters, failovers and many processes
    "tests/many",
    "tests/engine/test_cluster.py",
    "tests/test_fleet.py",
    "tests/test_torture.py",
    "plugins/jobs_otel/tests/test_otel_export.py",
    "plugins/jobs_web/tests/test_web_cli.py",
    # run each example of the docs, install packages, or follow what is deployed
    "tests/docs/test_pages.py",
    "tests/test_packaging.py",
    "tests/test_scaffold.py",
    "tests/deploy",
    # compare with other implementations, or with a model, over thousands of cases
    "tests/test_conformance.py",
    "tests/test_corpus.py",
    "tests/test_cron_differential.py",
    "tests/test_cron_year.py",
    "tests/test_forecast.py",
    "tests/lua/test_after_at_times_model.py",
    "tests/lua/test_after_model.py",
    "tests/lua/test_lent_limits_model.py",
    "tests/lua/test_limits_model.py",
)
"""Files and folders. Tests of the page in a browser are slow, too, and those on a second kind of server."""

SECOND_SERVER = ("redis", "other_url")
"""Parameters of fixtures that stand for redis-server, where it is on PATH. Others stand for Valkey."""

SERVERS = ("url", "server", "server_url", "newer_url", "binary")
"""These fixtures."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the slow tests."""
    for item in items:
        needs_browser = "browser" in getattr(item, "fixturenames", ())
        if needs_browser or _is_slow(item.path) or _is_on_second_server(item):
            item.add_marker("slow")


def _is_slow(path: Path) -> bool:
    place = path.relative_to(ROOT).as_posix()
    return any(place == slow or place.startswith(f"{slow}/") for slow in SLOW)


def _is_on_second_server(item: pytest.Item) -> bool:
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    return any(parameters.get(name) in SECOND_SERVER for name in SERVERS)
