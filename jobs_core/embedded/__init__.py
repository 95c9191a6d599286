"""The embedded server: a private Valkey on a Unix socket, and how every command finds it."""

from __future__ import annotations

from jobs_core.embedded.binary import find_binary
from jobs_core.embedded.location import data_dir, default_url, embedded_url, socket_path
from jobs_core.embedded.server import EmbeddedServer

__all__ = ["EmbeddedServer", "data_dir", "default_url", "embedded_url", "find_binary", "socket_path"]
