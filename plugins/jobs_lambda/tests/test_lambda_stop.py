"""Stopping a call: it is abandoned at once, its connection is closed, and nothing more is sent."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from typing import Any

import pytest
from jobs_lambda import connect
from jobs_lambda.line import keep_alive

from .conftest import Drive


def test_cancelling_closes_the_connection(drive: Any, cloud: Any) -> None:
    cloud.routes["f"] = cloud.hang
    outcome = drive.stopped("f", cloud.came)
    assert (outcome.status, outcome.code) == ("cancelled", "cancelled")
    assert cloud.gone.wait(30), "the connection stays"


def test_cancelling_closes_a_reused_connection(drive: Any, cloud: Any) -> None:
    cloud.routes["slow"] = cloud.hang
    drive("f")
    cloud.came.clear()
    assert drive.stopped("slow", cloud.came).status == "cancelled"
    assert cloud.gone.wait(30), "the connection stays"
    assert drive("f").status == "done"
    assert cloud.connections == 2


def test_cancelling_closes_a_tls_connection(secure: Any) -> None:
    drive = Drive(endpoint=secure.url)
    secure.routes["slow"] = secure.hang
    assert drive("f").status == "done"
    secure.came.clear()
    assert drive.stopped("slow", secure.came).status == "cancelled"
    assert secure.gone.wait(30), "the connection stays"


def test_the_process_can_exit_while_a_function_runs(cloud: Any) -> None:
    cloud.routes["f"] = cloud.hang
    program = f"""if True:
        import threading
        from jobs_core import Context
        from jobs_core.testing import make_task, read_settings
        from jobs_lambda import jobs_runners
        context = Context("w1", timeout=0.1, settings=read_settings(lambda_endpoint="{cloud.url}"))
        (runner,) = jobs_runners()
        print(runner.run(make_task(runner, "f"), context).code)
    """
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("timeout\n", "", 0)


def test_a_silent_connection_is_kept_alive(drive: Any, cloud: Any) -> None:
    """Half of six minutes are enough for a NAT gateway."""
    with socket.create_connection(cloud.server_address) as sock:
        keep_alive(sock)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        if hasattr(socket, "TCP_KEEPIDLE"):
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) < 180


def test_the_tasks_timeout_ends_the_call(drive: Any, cloud: Any) -> None:
    cloud.routes["f"] = cloud.hang
    outcome = drive("f", drive.context(timeout=0.2))
    assert (outcome.status, outcome.code) == ("failed", "timeout")
    assert cloud.gone.wait(30), "the connection stays"


def test_a_task_stopped_before_it_began_invokes_nothing(drive: Any, cloud: Any) -> None:
    context = drive.context()
    context.stop()
    assert drive("f", context).status == "cancelled"
    assert cloud.seen == []


def test_a_task_stopped_while_waiting_for_credentials_invokes_nothing(
    drive: Any, cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits, may_go_on = threading.Event(), threading.Event()
    make = connect.connect

    def slow(*arguments: Any) -> Any:
        waits.set()
        assert may_go_on.wait(30)
        return make(*arguments)

    monkeypatch.setattr(connect, "connect", slow)
    assert drive.stopped("f", waits).status == "cancelled"
    (left,) = [thread for thread in threading.enumerate() if thread.name == "jobs-call"]
    assert left.daemon, "it would keep the process from ending"
    may_go_on.set()
    left.join(30)
    assert not left.is_alive()
    drive("other")
    assert ([seen.function for seen in cloud.seen], cloud.connections) == (["other"], 1)
