"""redis-cli is a complete client by itself."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.lua.helpers import MS, Lua, T

pytestmark = pytest.mark.skipif(not shutil.which("redis-cli"), reason="no redis-cli on PATH")


def test_a_job_is_put_seen_popped_and_acknowledged(lua: Lua, url: str) -> None:
    def cli(*words: str | int) -> list[str]:
        command = ["redis-cli", "-s", url.removeprefix("unix://"), *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()

    def call(name: str, *words: str | int) -> list[str]:
        (sha,) = cli("HGET", f"{lua.keys.tag}:commands", name)
        return cli("EVALSHA", sha, 1, lua.keys.tag, *words)

    assert call("JSET", "tick", "shell", "echo hi", "every", 5, "now", T) == [str(MS)]
    assert call("JNEXT", "tick", "count", 3) == [str(MS), str(MS + 5000), str(MS + 10_000)]
    assert call("JTICK", "now", T) == ["1", str(MS + 5000), str(MS)]
    words = call("JPOP", 1, "shell", "lease", 30, "now", T)
    task = dict(zip(words[::2], words[1::2], strict=True))
    assert (task["id"], task["payload"]) == (f"tick@{MS}", "echo hi")
    assert call("JACK", task["token"], "done", "note", "exit 0") == [task["id"]]
    assert call("JACK", task["token"], "done")[0].startswith("JOBS STALE the token")
    assert lua.stats()["done"] == 1
