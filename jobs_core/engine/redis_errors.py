"""What Redis says when it refuses, as our errors: one sentence, with no traceback of the network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redis import exceptions as rx

from jobs_core import errors

_CODES: dict[str, type[errors.JobsError]] = {
    "PAYLOAD": errors.PayloadError,
    "NOTFOUND": errors.NotFoundError,
    "EXISTS": errors.ExistsError,
    "STALE": errors.StaleError,
    "AGAIN": errors.AgainError,
    "LAYOUT": errors.LayoutError,
    "FAULT": errors.FaultError,
}


def with_our_errors(reply: Any, server: str = "Redis") -> Any:
    """A reply, or one of several in it, that is a refusal becomes one of our errors."""
    if isinstance(reply, rx.ResponseError):
        return as_ours(reply, server)
    if isinstance(reply, list) and any(isinstance(part, rx.ResponseError) for part in reply):
        return [with_our_errors(part, server) for part in reply]
    return reply


def as_ours(error: rx.ResponseError, server: str = "Redis") -> errors.JobsError:
    """Turn an error that Redis answered into one of ours. `server` is what its sentence calls Redis."""
    text = str(error)
    if text.startswith("JOBS "):
        _, code, sentence = text.split(" ", 2)
        if code == "OPTION":
            return errors.OptionError(sentence, option=_option_of(sentence))
        return _CODES.get(code, errors.FaultError)(sentence)
    if is_denial(error):
        return errors.DeniedError(_denial(error))
    sentence = _explain(error, server) or f"Redis refused the command: {text}"
    return errors.DeniedError(sentence) if is_read_only(error) else errors.ServerError(sentence)


def _option_of(sentence: str) -> str | None:
    """The option that an OPTION error is about: only such a sentence begins with a word and a colon."""
    found = re.match(r"([\w-]+): ", sentence)
    return found[1] if found else None


_DENIALS = ("no permissions", "No permissions", "ACL failure", "The user executing the script can't")
"""What Redis 7.0, later ones and Valkey say to a user whose ACL denies a command or a key."""

_ADVICE = "`jobs acl` prints what each role needs"


def is_denial(error: object) -> bool:
    """Whether Redis has denied a user a command or a key, at the top or inside a function."""
    if isinstance(error, rx.NoPermissionError):
        return True
    return isinstance(error, rx.ResponseError) and any(words in str(error) for words in _DENIALS)


def command_denied(error: object) -> str | None:
    """The command that was denied, if Redis names it: `XADD`. Inside a function, Redis 7.0 does not."""
    found = re.search(r"no permissions to run the '([^']+)' command", str(error))
    return found[1].upper() if found else None


def _denial(error: Exception) -> str:
    command = command_denied(error)
    if command:
        return f"This user may not run {command.replace('|', ' ')}: {_ADVICE}"
    if "run this command" in str(error):
        return f"This user may not run one of the commands that Jobs runs inside Redis: {_ADVICE}"
    return f"This user may not access the keys of this board: {_ADVICE}"


def is_read_only(error: Exception) -> bool:
    """Whether Redis refuses a change since it is a read-only replica."""
    return isinstance(error, rx.ReadOnlyError) or bool(re.search("READONLY|read only replica", str(error)))


def address(client: Any) -> str:
    """Where a client's Redis is: `127.0.0.1:6379`, or the path of its socket."""
    found = client.connection_pool.connection_kwargs
    return str(found.get("path") or f"{found.get('host', 'localhost')}:{found.get('port', 6379)}")


_FULL = "{server} is full: raise its maxmemory or remove something, then try again"
_LOADING = "{server} is still loading its data: try again in a moment"
_LOGIN = "{server} wants another user name or password: put them in the URL, redis://user:password@host"
_OLD = "{server} is too old: Jobs needs Redis 7.0 or later, or Valkey"
_REPLICA = "{server} is a read-only replica: connect to the primary"
_ALONE = "{server} is a replica that has lost its primary, and answers nothing until it is back"
_NO_FUNCTION = (
    "{server} does not have this command of Jobs: run `jobs init`, or, "
    "if a newer version of Jobs is in use on this server, upgrade this one"
)
_DISK = "{server} cannot write to its disk and refuses changes: make room there, or see its log"

_SAYINGS = {
    "OOM": _FULL,
    "maxmemory": _FULL,
    "READONLY": _REPLICA,
    "read only replica": _REPLICA,
    "MISCONF": _DISK,
    "NOAUTH": _LOGIN,
    "WRONGPASS": _LOGIN,
    "MASTERDOWN": _ALONE,
    "Link with MASTER is down": _ALONE,
    "BUSY": "{server} is busy with a long script: try again in a moment",
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


def _explain(error: Exception, server: str) -> str | None:
    """Say in one sentence what state of the server an error tells of, if it is a known one."""
    for kind, sentence in _KINDS.items():
        if isinstance(error, kind) or isinstance(error.__cause__, kind):  # which redis.asyncio wraps
            return sentence.replace("{server}", server)
    found = next((sentence for saying, sentence in _SAYINGS.items() if saying in str(error)), None)
    return found and found.replace("{server}", server)


@contextmanager
def translated(server: str = "Redis") -> Iterator[None]:
    """Raise redis-py's errors as ours: one sentence, with no traceback of the network."""
    try:
        yield
    except rx.ResponseError as error:
        raise as_ours(error, server) from error
    except rx.DataError as error:  # None where text belongs, for instance
        raise errors.OptionError(f"an argument is neither text nor a number: {error}") from None
    except (rx.ConnectionError, rx.TimeoutError, OSError) as error:
        raise errors.ServerError(
            _explain(error, server)
            or f"cannot reach Redis ({error}): start one with `jobs up`, or name another with --url"
        ) from error
    except rx.InvalidResponse as error:
        raise errors.ServerError("what answers there is no Redis: see the URL") from error
