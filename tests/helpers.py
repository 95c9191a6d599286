"""Helpers for worker tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import Result

from jobs_core import Board, Context, Outcome, Runner, Task
from jobs_core.testing import Recorder as Recorder
from jobs_core.testing import working as working
from jobs_core.testing.stage import PATIENCE as PATIENCE

Jobs = Callable[..., Result]
"""A call of `jobs` in this process: `jobs("list", "--json")`."""


def runner(function: Callable[[Task, Context], Outcome], name: str = "test") -> Runner:
    return Runner(name, function)


def install(folder: Path, name: str, source: str) -> None:
    """Make a plugin that any Python with `folder` on its path finds, as if pip had installed it."""
    (folder / f"{name}.py").write_text(textwrap.dedent(source))
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[jobs]\n{name} = {name}\n")


def jobs_process(*words: str, path: Path, **environment: str) -> subprocess.Popen[str]:
    """Start `jobs` in a separate process, with the plugins in `path`."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("JOBS_")}
    return subprocess.Popen(
        [sys.executable, "-c", "from jobs_core.cli import main; main()", *words],
        env=clean | {"PYTHONPATH": str(path)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until(condition: Callable[[], bool]) -> None:
    """Poll until a condition holds."""
    pause = threading.Event()
    for _ in range(int(PATIENCE / 0.02)):
        if condition():
            return
        pause.wait(0.02)
    raise AssertionError("the condition never held")


def keep_ticking(board: Board, now: float | None = None) -> None:
    """Let a clock have ticked just before, so that a lease which ends does not look like one of an outage."""
    board.client.hset(f"{board.keys.tag}:stats", "ticked", int((now or time.time()) * 1000))


def lines(result: Result) -> list[dict[str, object]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def refused(result: Result, *says: str) -> None:
    """Check that the call failed with a usage error, with this text in its sentence on standard error."""
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith(("Error: ", "Usage: "))
    assert "Traceback" not in result.output
    for words in says:
        assert words in result.stderr


def checked(*command: str | Path, **options: Any) -> str:
    """Run a command that must succeed. Returns its output."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)


def rename_everywhere(board: Board, old: str, new: str) -> None:
    """Replace a name in all that a board keeps, by one of as many bytes that only older versions accepted."""
    assert len(old.encode()) == len(new.encode()) and old.isidentifier()
    board.client.eval(_RENAME, 0, old, new, f"{board.keys.tag}:*")


_RENAME = """
local old, new = ARGV[1], ARGV[2]
local function renamed(text) return (text:gsub(old, function() return new end)) end
local READ = { string = { 'GET' }, hash = { 'HGETALL' }, set = { 'SMEMBERS' }, list = { 'LRANGE', 0, -1 },
  zset = { 'ZRANGE', 0, -1, 'WITHSCORES' } }
local WRITE = { string = 'SET', hash = 'HSET', set = 'SADD', list = 'RPUSH', zset = 'ZADD' }
for _, key in ipairs(redis.call('KEYS', ARGV[3])) do
  local kind = redis.call('TYPE', key).ok
  local read = READ[kind]
  if read then
    local found = redis.call(read[1], key, unpack(read, 2))
    found = type(found) == 'table' and found or { found }
    for i, text in ipairs(found) do found[i] = renamed(text) end
    if kind == 'zset' then
      for i = 1, #found, 2 do found[i], found[i + 1] = found[i + 1], found[i] end
    end
    redis.call('DEL', key)
    redis.call(WRITE[kind], renamed(key), unpack(found))
  end
end
"""
