"""Where the embedded server keeps its data, and the URL it listens on."""

from __future__ import annotations

import hashlib
import os
import socket
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from jobs_core.errors import OptionError, ServerError

SOCKET_LIMIT = 100
"""The longest path of a Unix socket, in bytes. The systems' own limits are 103 and 107."""

PROBE_TIMEOUT = 5
"""Seconds to wait for a connection to the socket."""


def data_dir(override: str | Path | None = None) -> Path:
    """Create and return the data directory: `override`, JOBS_DATA, or the user's data directory.

    Only its owner can read a directory that is created. One that exists keeps its mode.

    Raises:
        OptionError: The directory cannot be created, or other users may write to it.
    """
    path = _data_path(override)
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_shared(path)
    except OSError as error:
        raise OptionError(f"Cannot use the data directory {path}: {error.strerror}.") from None
    return path


def _data_path(override: str | Path | None = None) -> Path:
    import platformdirs

    return Path(override or os.environ.get("JOBS_DATA") or platformdirs.user_data_path("jobs")).absolute()


def _refuse_shared(path: Path) -> None:
    """Reject a directory in which other users could replace the data or the socket."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise OptionError(
            f"Other users may write to the data directory {path} (mode {mode:o}). "
            "Choose another, or run `chmod go-w` on it."
        )


def socket_path(data: Path) -> Path:
    """Return the server's socket: in the data directory or, if that path is too long, in a short one.

    Raises:
        ServerError: The short directory is open to other users.
    """
    path = data / "jobs.sock"
    if len(os.fsencode(path)) <= SOCKET_LIMIT:
        return path
    private = Path(tempfile.gettempdir()) / f"jobs-{os.getuid()}"
    private.mkdir(mode=0o700, exist_ok=True)
    state = private.lstat()
    if state.st_uid != os.getuid() or state.st_mode & 0o077:
        raise ServerError(f"Other users can access {private}. Remove it, or choose a shorter data directory.")
    return private / f"{hashlib.sha256(os.fsencode(data)).hexdigest()[:16]}.sock"


def embedded_url(data: Path) -> str:
    """Return the URL of the embedded server of a data directory."""
    return f"unix://{quote(os.fspath(socket_path(data)))}"


def default_url() -> str:
    """Return the server that commands use without --url: JOBS_REDIS_URL, or the embedded one if it runs.

    Raises:
        ServerError: Neither exists.
        OptionError: Other users may write to the directory of the embedded server.
    """
    url = os.environ.get("JOBS_REDIS_URL")
    if url:
        return url
    data = _data_path()
    if not accepts_connections(socket_path(data)):
        raise ServerError("No server is running. Start one with `jobs up`, or set --url or JOBS_REDIS_URL.")
    _refuse_shared(data)
    return embedded_url(data)


def accepts_connections(path: Path) -> bool:
    """Check whether a server listens on a socket."""
    with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
        probe.settimeout(PROBE_TIMEOUT)
        probe.connect(os.fspath(path))
        return True
    return False
