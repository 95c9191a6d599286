"""What Redis says when it refuses, as our errors: one sentence, with no traceback of the network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redis import exceptions as rx

from jobs_core import errors

_CODES: dict[str, type[errors.JobsError]] = {
    "OPTION": errors.OptionError,
    "PAYLOAD": errors.PayloadError,
    "NOTFOUND": errors.NotFoundError,
    "EXISTS": errors.ExistsError,
    "STALE": errors.StaleError,
    "AGAIN": errors.AgainError,
    "LAYOUT": errors.LayoutError,
    "FAULT": errors.FaultError,
}


def with_our_errors(reply: Any) -> Any:
    """A reply, or one of several in it, that is a refusal becomes one of our errors."""
    if isinstance(reply, rx.ResponseError):
        return as_ours(reply)
    if isinstance(reply, list) and any(isinstance(part, rx.ResponseError) for part in reply):
        return [with_our_errors(part) for part in reply]
    return reply


def as_ours(error: rx.ResponseError) -> errors.JobsError:
    """Turn an error that Redis answered into one of ours."""
    text = str(error)
    if text.startswith("JOBS "):
        _, code, sentence = text.split(" ", 2)
        return _CODES.get(code, errors.FaultError)(sentence)
    return errors.ServerError(_explain(error) or f"Redis refused the command: {text}")


_FULL = "Redis is full: raise its maxmemory or remove something, then try again"
_LOADING = "Redis is still loading its data: try again in a moment"
_LOGIN = "Redis wants another user name or password: put them in the URL, redis://user:password@host"
_OLD = "this Redis is too old: Jobs needs Redis 7.0 or later, or Valkey"
_REPLICA = "Redis is a read-only replica: connect to the primary"
_NO_FUNCTION = (
    "Redis does not have this command of Jobs: run `jobs init`, or, "
    "if a newer version of Jobs is in use on this server, upgrade this one"
)
_DISK = "Redis cannot write to its disk and refuses changes: make room there, or see its log"

_SAYINGS = {
    "OOM": _FULL,
    "maxmemory": _FULL,
    "READONLY": _REPLICA,
    "read only replica": _REPLICA,
    "MISCONF": _DISK,
    "NOAUTH": _LOGIN,
    "WRONGPASS": _LOGIN,
    "no permissions": "Redis does not permit this user what Jobs does: see its ACL",
    "BUSY": "Redis is busy with a long script: try again in a moment",
    "Function not found": _NO_FUNCTION,
    "Error compiling script": _OLD,
    "unknown command": _OLD,
}
"""What Redis says when it refuses a command, and what that means to people."""

_KINDS: dict[type[Exception], str] = {
    rx.OutOfMemoryError: _FULL,
    rx.ReadOnlyError: _REPLICA,
    rx.BusyLoadingError: _LOADING,
    rx.AuthenticationError: _LOGIN,
}


def _explain(error: Exception) -> str | None:
    """Say in one sentence what state of the server an error tells of, if it is a known one."""
    for kind, sentence in _KINDS.items():
        if isinstance(error, kind) or isinstance(error.__cause__, kind):  # which redis.asyncio wraps
            return sentence
    return next((sentence for saying, sentence in _SAYINGS.items() if saying in str(error)), None)


@contextmanager
def translated() -> Iterator[None]:
    """Raise redis-py's errors as ours: one sentence, with no traceback of the network."""
    try:
        yield
    except rx.ResponseError as error:
        raise as_ours(error) from error
    except rx.DataError as error:  # None where text belongs, for instance
        raise errors.OptionError(f"an argument is neither text nor a number: {error}") from None
    except (rx.ConnectionError, rx.TimeoutError, OSError) as error:
        raise errors.ServerError(
            _explain(error)
            or f"cannot reach Redis ({error}): start one with `jobs up`, or name another with --url"
        ) from error
    except rx.InvalidResponse as error:
        raise errors.ServerError("what answers there is no Redis: see the URL") from error
