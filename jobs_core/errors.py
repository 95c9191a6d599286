"""The errors of Jobs.

    JobsError
    ├── UserError                 a mistake to correct: exit code 2
    │   ├── OptionError           an invalid option, duration, time or id
    │   ├── PayloadError          a payload that is too large, or that its runner rejects
    │   ├── RunnerError           a runner, policy or logger that no plugin provides
    │   ├── NotFoundError         no such job, task or dead letter
    │   ├── ExistsError           a job with this id already exists
    │   └── ConflictError         the job has changed since it was read, or the board is not at rest
    └── FaultError                a problem outside the caller's control: exit code 1
        ├── ServerError           Redis cannot be reached, is loading, is out of memory or is too old
        │   ├── DeniedError       an ACL denies a command, or Redis is a read-only replica
        │   └── UnconfirmedError  a durable board has changed, but too few replicas have confirmed it
        ├── StaleError            a token that no longer holds its task, or a stage that is out of date
        ├── AgainError            a board file is being applied
        ├── LayoutError           a board made by another version of Jobs
        └── PluginError           a plugin that fails to load, or conflicts with another

The text of an error says what is wrong, where, and what to do. No error quotes a payload.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SHORTAGES = frozenset((errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM))
"""The error numbers of a system or process that is short of files, processes, threads or memory."""


def is_shortage(error: BaseException) -> bool:
    """Return whether files, processes, threads or memory ran out: then a task may start elsewhere, or later.

    >>> is_shortage(OSError(errno.EMFILE, "Too many open files"))
    True
    """
    if isinstance(error, OSError):
        return error.errno in SHORTAGES
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and str(error) == "can't start new thread"
    )


class JobsError(Exception):
    """The base class of all errors that Jobs raises on purpose."""

    exit_code = 1


class UserError(JobsError):
    """A mistake that the caller can correct.

    `option` names the option or argument that the error is about, such as `every`, `payload` or `id`; None
    if it is about none, or about several.
    """

    exit_code = 2
    option: str | None = None

    def __init__(self, *args: object, option: str | None = None) -> None:
        super().__init__(*args)
        if option is not None:
            self.option = option


@contextmanager
def naming(option: str) -> Iterator[None]:
    """Let mistakes within be about an option: they begin with its name, and have it as `option`."""
    try:
        yield
    except UserError as error:
        sentence = str(error).removeprefix(f"{error.option}: ")
        raise type(error)(f"{option}: {sentence}", option=option) from None


class OptionError(UserError):
    """An option, duration, time or id is invalid."""


class PayloadError(UserError):
    """The payload is too large, or its runner rejects it."""

    option = "payload"


class RunnerError(UserError):
    """No plugin provides the runner, policy or logger."""

    option = "runner"


class NotFoundError(UserError):
    """There is no such job, task or dead letter."""


class ExistsError(UserError):
    """A job with this id already exists."""


class ConflictError(UserError):
    """The job has changed since the caller read it. Or a board is not in a state to be dumped or loaded."""


class FaultError(JobsError):
    """A problem outside the caller's control."""


class ServerError(FaultError):
    """Redis cannot be reached, is loading, is out of memory or is too old."""


class DeniedError(ServerError):
    """An ACL denies the user a command, or Redis is a read-only replica."""


class UnconfirmedError(ServerError):
    """Redis has changed a durable board, but too few replicas have confirmed it, so a failover may undo it.

    `reply` is what Redis replied to the command.
    """

    def __init__(self, sentence: str, reply: Any = None) -> None:
        super().__init__(sentence)
        self.reply = reply


class StaleError(FaultError):
    """The token no longer holds its task, because another attempt took it or ended it. Or the board changed
    while a board file was compared with it."""


class AgainError(FaultError):
    """A board file is being applied. The client helps to finish it, and retries automatically."""


class LayoutError(FaultError):
    """Another version of Jobs made the board, and this version cannot read it."""


class PluginError(FaultError):
    """A plugin fails to load, or conflicts with another."""
