"""An environment for each system, cached in .venv/peers and rebuilt when its requirements change."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from bench.peers.systems import System

ROOT = Path(__file__).parents[2] / ".venv" / "peers"

PATIENCE = 300
"""Timeout of an installation, in seconds."""


class PeerError(Exception):
    """The reason that a system was not measured, in one sentence."""


def command(system: System) -> tuple[list[str], dict[str, str]]:
    """Return the command line that runs the system's script, and its environment. Raises PeerError."""
    script = str(Path(__file__).parent / system.script)
    if not system.requirements:
        return [sys.executable, script], dict(os.environ)
    digest = hashlib.sha256("\n".join(system.requirements).encode()).hexdigest()[:12]
    folder = ROOT / f"{Path(system.script).stem}-{digest}"
    if script.endswith(".cjs"):
        node, npm = (shutil.which(name) for name in ("node", "npm"))
        if node is None or npm is None:
            raise PeerError("node and npm are not installed")
        _make(folder, [[npm, "install", "--loglevel=error", "--no-audit", "--no-fund", *system.requirements]])
        return [node, script], {**os.environ, "NODE_PATH": str(folder / "node_modules")}
    python = str(folder / "bin" / "python")
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _make(folder, [[sys.executable, "-m", "venv", str(folder)], [*pip, *system.requirements]])
    return [python, script], dict(os.environ)


def _make(folder: Path, commands: list[list[str]]) -> None:
    """Create an environment with these commands, unless it is complete."""
    stamp = folder / ".complete"
    if stamp.exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for line in commands:
        try:
            subprocess.run(line, cwd=folder, check=True, capture_output=True, text=True, timeout=PATIENCE)
        except (OSError, subprocess.SubprocessError) as error:
            raise PeerError(f"its environment could not be created: {last_line(error)}") from None
    stamp.touch()


def last_line(error: Exception) -> str:
    """Return the last line that a failed command printed, or else the error itself."""
    lines = str(getattr(error, "stderr", None) or error).strip().splitlines()
    return lines[-1] if lines else type(error).__name__
