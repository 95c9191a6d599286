"""Convert the errors of Redis and redis-py to the errors of Jobs."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redis import exceptions as rx

from jobs_core import errors

ERROR_CODES: dict[str, type[errors.JobsError]] = {
    "OPTION": errors.OptionError,
    "PAYLOAD": errors.PayloadError,
    "NOTFOUND": errors.NotFoundError,
    "EXISTS": errors.ExistsError,
    "CONFLICT": errors.ConflictError,
    "STALE": errors.StaleError,
    "AGAIN": errors.AgainError,
    "LAYOUT": errors.LayoutError,
    "FAULT": errors.FaultError,
}


def convert_errors(reply: Any, server: str = "Redis") -> Any:
    """Return a reply with its errors, also those inside a list, converted to the errors of Jobs."""
    if isinstance(reply, rx.ResponseError):
        found = to_jobs_error(reply, server)
        found.__cause__ = reply  # says whether Redis is only away for now: see outage.py
        return found
    if isinstance(reply, list) and any(isinstance(part, rx.ResponseError) for part in reply):
        return [convert_errors(part, server) for part in reply]
    return reply


def to_jobs_error(error: rx.ResponseError, server: str = "Redis") -> errors.JobsError:
    """Convert an error that Redis sent to an error of Jobs. `server` is the name of Redis in it."""
    text = str(error)
    if text.startswith("JOBS "):
        _, code, sentence = text.split(" ", 2)
        if code == "OPTION":
            return errors.OptionError(sentence, option=_option_of(sentence))
        return ERROR_CODES.get(code, errors.FaultError)(sentence)
    node = _noted_server(error)
    if is_denial(error):
        return errors.DeniedError(_denial(error, node or server))
    server = _subject(node, server)
    sentence = _explain(error, server) or f"{server} rejected the command: {text}"
    return errors.DeniedError(sentence) if is_read_only(error) else errors.ServerError(sentence)


def _option_of(sentence: str) -> str | None:
    """Return the option that an OPTION error is about: it is before a colon at the start of the sentence."""
    found = re.match(r"([\w-]+): ", sentence)
    return found[1] if found else None


_DENIALS = ("no permissions", "No permissions", "ACL failure", "The user executing the script can't")
"""Messages of Redis 7.0, later versions and Valkey if an ACL denies a command or a key."""

_ADVICE = "`jobs acl` prints the permissions of each role"


def is_denial(error: object) -> bool:
    """Return whether an ACL denied a command or a key, directly or inside a function."""
    if isinstance(error, rx.NoPermissionError):
        return True
    return isinstance(error, rx.ResponseError) and any(words in str(error) for words in _DENIALS)


def command_denied(error: object) -> str | None:
    """Return the denied command, such as `XADD`, if Redis names it. Inside a function, Redis 7.0 does not."""
    found = re.search(r"no permissions to run the '([^']+)' command", str(error))
    return found[1].upper() if found else None


def _denial(error: Exception, server: str) -> str:
    at = _at(server)
    command = command_denied(error)
    if command:
        return f"This user may not run {command.replace('|', ' ')}{at}: {_ADVICE}"
    if "run this command" in str(error):
        return f"This user may not run one of the commands that Jobs runs inside Redis{at}: {_ADVICE}"
    return f"This user may not access the keys of this board{at}: {_ADVICE}"


def _at(server: str) -> str:
    """Return where the server is, for the middle of a sentence, if it is known."""
    return "" if server == "Redis" else f" at {server}"


def is_read_only(error: Exception) -> bool:
    """Return whether Redis rejected a change because it is a read-only replica."""
    return isinstance(error, rx.ReadOnlyError) or bool(
        re.search("READONLY|read only replica|instance state changed", str(error))
    )


def address(client: Any) -> str:
    """Return the address of a client's Redis: `127.0.0.1:6379`, or the path of its socket."""
    found = client.connection_pool.connection_kwargs
    if "route" in found:
        return str(found["route"].name)
    return str(found.get("path") or f"{found.get('host', 'localhost')}:{found.get('port', 6379)}")


_OUT_OF_MEMORY = "{server} is out of memory. Raise its maxmemory or remove data, then try again."
_LOADING = "{server} is still loading its data. Try again in a moment."
_BAD_LOGIN = (
    "{server} rejected the user name or password. Correct the URL (redis://user:password@host), "
    "or what the setting redis_password_file or redis_password_command names."
)
_OLD = "{server} is too old. Jobs needs Redis 7.0 or later, or Valkey."
_REPLICA = "{server} is a read-only replica. Connect to its primary."
_NO_PRIMARY = "{server} is a replica that has lost its primary. It answers again when the primary is back."
_NO_FUNCTION = (
    "{server} does not have this command of Jobs. Run `jobs init`. "
    "If the server already has a newer version of Jobs, upgrade this one."
)
_DISK = "{server} cannot write to its disk, so it rejects changes. Free some space, or check its log."

_CLUSTER = (
    "{server} is a node of a cluster, and this board is on another one. "
    "Write redis+cluster:// in the URL, or rediss+cluster:// with TLS."
)
_MOVING = "{server} is moving this board to another node. Try again when it is there."
_NODE_AWAY = (
    "{server} says that the cluster is down: a node is away, and none has taken over from it. "
    "Try again when one has."
)

_MESSAGES = {
    "OOM": _OUT_OF_MEMORY,
    "maxmemory": _OUT_OF_MEMORY,
    "READONLY": _REPLICA,
    "read only replica": _REPLICA,
    "instance state changed": _REPLICA,
    "MISCONF": _DISK,
    "NOAUTH": _BAD_LOGIN,
    "WRONGPASS": _BAD_LOGIN,
    "MASTERDOWN": _NO_PRIMARY,
    "Link with MASTER is down": _NO_PRIMARY,
    "BUSY": "{server} is busy with a long script. Try again in a moment.",
    "Function not found": _NO_FUNCTION,
    "Error compiling script": _OLD,
    "unknown command": _OLD,
}
"""Texts in the errors of Redis, and the sentences to show instead."""

_KINDS: dict[type[Exception], str] = {
    rx.OutOfMemoryError: _OUT_OF_MEMORY,
    rx.ReadOnlyError: _REPLICA,
    rx.BusyLoadingError: _LOADING,
    rx.AuthenticationError: _BAD_LOGIN,
    rx.MovedError: _CLUSTER,  # before ASK, which it is a kind of
    rx.AskError: _MOVING,
    rx.ClusterDownError: _NODE_AWAY,
}


def _explain(error: Exception, server: str) -> str | None:
    """Return a sentence about the state of the server, if the error is a known one."""
    for kind, sentence in _KINDS.items():
        if isinstance(error, kind) or isinstance(error.__cause__, kind):  # redis.asyncio wraps the error
            return sentence.replace("{server}", server)
    found = next((sentence for text, sentence in _MESSAGES.items() if text in str(error)), None)
    return found and found.replace("{server}", server)


def _unreachable(error: Exception, server: str) -> str:
    """Return a sentence about a connection that failed."""
    text = str(error).rstrip(".")
    cause = error.__cause__ or error.__context__
    node = _noted_server(error) or _noted_server(cause)
    if isinstance(error, rx.TimeoutError) and "connecting" not in text:
        who = _subject(node, server)
        return f"{who} did not answer in time. Check that Redis runs there, or raise socket_timeout."
    if isinstance(cause, ssl.SSLError):
        return _tls_problem(cause, node or server)
    reason = (isinstance(cause, OSError) and cause.strerror) or text
    if isinstance(error, rx.TimeoutError):
        reason = "no connection in time: see socket_connect_timeout"
    if node:
        return f"cannot reach Redis at {node}: {reason}. Start it again, or wait until another takes over."
    return (
        f"cannot reach Redis{_at(server)} ({reason}). Start one with `jobs up`, or pass its URL with --url."
    )


_OTHER_HOST = (62, 64)
"""What OpenSSL finds wrong with the certificate of another host name, or of another address."""


def _tls_problem(error: ssl.SSLError, server: str) -> str:
    """Return a sentence about a connection that TLS has ended."""
    if isinstance(error, ssl.SSLCertVerificationError):
        advice = "Name its authority in the setting redis_tls_ca, or in the URL: ?ssl_ca_certs=FILE."
        if error.verify_code in _OTHER_HOST:
            advice = "Write a host in the URL that the certificate is for."
        return f"The certificate of {server} cannot be verified ({error.verify_message}). {advice}"
    if isinstance(error, ssl.SSLEOFError) or "ALERT" in str(error.reason):
        return (
            f"TLS: {server} ended the connection. If it asks clients for a certificate, "
            "name one that it accepts in the settings redis_tls_cert and redis_tls_key."
        )
    return f"TLS: no connection to {server} ({error.reason or error}). Check the settings redis_tls_*."


def _noted_server(error: BaseException | None) -> str | None:
    """Return which server an error is about, if a route has found it: see `routing.note_server`."""
    return next(iter(getattr(error, "__notes__", ())), None)


def _subject(node: str | None, server: str) -> str:
    """Return who did something, to be followed by a verb."""
    return f"{node}," if node else server


@contextmanager
def translated(server: str = "Redis") -> Iterator[None]:
    """Convert the errors that redis-py raises to the errors of Jobs."""
    try:
        yield
    except rx.ResponseError as error:
        raise to_jobs_error(error, server) from error
    except rx.DataError as error:  # for example None instead of text
        raise errors.OptionError(f"An argument is neither text nor a number: {error}") from None
    except (rx.ConnectionError, rx.TimeoutError, OSError) as error:
        known = _explain(error, _subject(_noted_server(error), server))
        raise errors.ServerError(known or _unreachable(error, server)) from error
    except rx.InvalidResponse as error:
        raise errors.ServerError(f"{server} did not answer like Redis. Check the URL.") from error
