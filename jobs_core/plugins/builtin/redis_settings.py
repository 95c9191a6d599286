"""The settings of the connection to Redis."""

from __future__ import annotations

from jobs_core.contract import Setting

CONNECT = Setting("socket_connect_timeout", 5.0, "Seconds to wait for a connection to Redis")
ANSWER = Setting("socket_timeout", 5.0, "Seconds to wait for an answer of Redis")
