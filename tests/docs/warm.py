"""A process with `jobs` loaded, which forks for each call: `jobs` in a document takes a few ms, not 300.

`python warm.py SOCKET` serves. A call is what `CALLER` sends: its words, directory and environment as JSON,
with its standard input, output and error.
"""

from __future__ import annotations

import gc
import importlib
import importlib.metadata
import json
import os
import runpy
import socket
import sys
from typing import Any

CALLER = """\
#!{python} -IS
import array, json, os, signal, socket, sys
call = socket.socket(socket.AF_UNIX)
call.connect({path!r})
words = json.dumps([sys.argv, os.getcwd(), dict(os.environ)]).encode()
files = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))
call.sendmsg([len(words).to_bytes(8, "big")], [files])
call.sendall(words)
process = int.from_bytes(call.recv(8), "big")
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda number, _: os.kill(process, number))
code = call.recv(1)
sys.exit(code[0] if code else 70)
"""
"""The program that is found as `jobs`, `job` and `python`."""

MODULES = ("jobs_core.cli", "redis", "rich.table", "rich.console", "yaml", "zoneinfo", "jobs_core.testing")


def serve(path: str) -> None:
    """Serve calls until the process ends."""
    for name in MODULES:
        importlib.import_module(name)
    _load_plugins()
    from jobs_core import AsyncBoard, Board
    from jobs_core.cli import cli
    from jobs_core.engine.build import commands, library
    from jobs_core.engine.permissions import everything

    assert AsyncBoard and Board and cli.commands and commands() and library() and everything()
    gc.freeze()  # keep loaded modules shared
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen(16)
        while True:
            call, _ = server.accept()
            if os.fork() == 0:
                server.close()
                if os.fork() == 0:
                    _answer(call)
                os._exit(0)
            os.wait()
            call.close()


def _load_plugins() -> None:
    """Import the plugins in advance, so that forked calls share them."""
    found = importlib.metadata.entry_points(group="jobs")
    for entry in found:
        entry.load()
    importlib.metadata.entry_points = lambda **_: found  # scanning all packages takes 20 ms


def _answer(call: socket.socket) -> None:
    size, files, _, _ = socket.recv_fds(call, 8, 3)
    wanted, text = int.from_bytes(size, "big"), b""
    while len(text) < wanted:
        text += call.recv(wanted - len(text))
    argv, folder, environment = json.loads(text)
    child = os.fork()
    if child == 0:
        _run(argv, folder, environment, files)
    call.sendall(child.to_bytes(8, "big"))
    for file in files:
        os.close(file)
    _, status = os.waitpid(child, 0)
    call.sendall(bytes([os.waitstatus_to_exitcode(status) & 0xFF]))
    os._exit(0)


def _run(argv: list[str], folder: str, environment: dict[str, str], files: list[int]) -> None:
    for number, file in enumerate(files):
        os.dup2(file, number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    code: Any = 0
    try:
        if os.path.basename(argv[0]) in ("python", "python3"):  # noqa: PTH119
            sys.argv = argv[1:]
            sys.path.insert(0, folder)
            runpy.run_path(argv[1], run_name="__main__")
        else:
            from jobs_core.cli import main

            sys.argv = ["jobs", *argv[1:]]
            main()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        import traceback

        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    serve(sys.argv[1])
