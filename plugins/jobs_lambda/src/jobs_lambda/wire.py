"""Connections that tell a call its socket, so that it can shut it down. This module imports botocore."""

from __future__ import annotations

from typing import Any

from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)

from jobs_lambda.line import current_call, keep_alive


class Connection(AWSHTTPConnection):
    """A connection that passes its socket to the call on this thread before it waits for the response."""

    def getresponse(self) -> Any:
        _hold(self)
        return super().getresponse()


class SecureConnection(AWSHTTPSConnection):
    """The same, with TLS."""

    def getresponse(self) -> Any:
        _hold(self)
        return super().getresponse()


class Pool(AWSHTTPConnectionPool):
    ConnectionCls = Connection


class SecurePool(AWSHTTPSConnectionPool):
    ConnectionCls = SecureConnection


def watch(client: Any) -> None:
    """Make a client use these connections.

    botocore has no public way to do this. If the private attribute disappears, calls can still be abandoned
    immediately, but their connections stay open until the function has ended.
    """
    session = getattr(client._endpoint, "http_session", None)
    pools = getattr(session, "_pool_classes_by_scheme", None)
    if isinstance(pools, dict):
        pools.update(http=Pool, https=SecurePool)


def _hold(connection: Any) -> None:
    if current_call.line is not None and connection.sock is not None:
        keep_alive(connection.sock)
        current_call.line.hold(connection.sock)
