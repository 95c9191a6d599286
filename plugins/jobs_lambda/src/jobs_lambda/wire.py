"""Letting a call know its socket, so that it can end the connection. Importing this imports botocore."""

from __future__ import annotations

from typing import Any

from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)

from jobs_lambda.line import here, keep_alive


class Connection(AWSHTTPConnection):
    """Tells the call on this thread its socket, before it waits for the answer."""

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
    """Let a client's connections be ours.

    botocore has no way to say so in public: should this attribute go, calls that are left would still be
    left at once, but their connections would stay until the function has ended.
    """
    session = getattr(client._endpoint, "http_session", None)
    pools = getattr(session, "_pool_classes_by_scheme", None)
    if isinstance(pools, dict):
        pools.update(http=Pool, https=SecurePool)


def _hold(connection: Any) -> None:
    if here.line is not None and connection.sock is not None:
        keep_alive(connection.sock)
        here.line.hold(connection.sock)
