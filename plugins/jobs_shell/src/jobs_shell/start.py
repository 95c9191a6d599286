"""Start a command behind a gate."""

from __future__ import annotations

import subprocess
from typing import Any

from jobs_core import Context, Task, is_shortage
from jobs_shell.guard import guard
from jobs_shell.payload import SHELL, Command
from jobs_shell.pipes import Pipes
from jobs_shell.surroundings import environment, identity

GATE = "read -r JOBS_GATE || exit; unset JOBS_GATE; "
"""Delays a command until its first line of input. The worker writes that once the guardian knows the command.
If the worker dies before that, the input ends and the command never starts, so no orphan is left.

A line for /bin/sh follows the gate on the same line. One shell runs both, because starting another costs as
much as a short command, and the line numbers in the shell's messages stay correct."""


class StartError(Exception):
    """The command could not be started. The message does not quote the payload."""


class ShortageError(StartError):
    """The worker is short of files, processes or memory: the command may start elsewhere, or later."""


def start(command: Command, task: Task, context: Context) -> tuple[subprocess.Popen[bytes], Pipes]:
    """Start a command behind its gate, in its own session and process group. Raises StartError.

    >>> process, pipes = start(Command(["true"]), task, context)
    >>> os.write(pipes.input, b"\\n")
    1
    """
    try:
        user, variables = identity(command.user) if command.user is not None else ({}, {})
        is_other = command.user is not None
        env = environment(task, context, variables | dict(command.env), clean=is_other)
        guard.start()
        pipes = Pipes()
        try:
            return _spawn(command, pipes, env, user), pipes
        except BaseException:
            pipes.close()
            raise
    except LookupError:
        raise StartError("user: no such user on this machine") from None
    except PermissionError as error:
        if command.user is not None and error.filename != command.cwd:
            raise StartError("user: the worker must run as root") from None
        raise StartError(_failure(command, error)) from None
    except OSError as error:
        kind = ShortageError if is_shortage(error) else StartError
        raise kind(_failure(command, error)) from None
    except ValueError:
        raise StartError("the command contains text that exec does not accept") from None


def _spawn(
    command: Command, pipes: Pipes, env: dict[bytes, bytes], user: dict[str, Any]
) -> subprocess.Popen[bytes]:
    stdin, stdout, stderr = pipes.far_ends
    return subprocess.Popen(
        gated(command),
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        cwd=command.cwd,
        env=env,
        umask=command.umask,
        start_new_session=True,
        **user,
    )


def gated(command: Command) -> list[str]:
    """Return the arguments that run a command behind its gate.

    >>> gated(Command(["make", "all"]))
    ['/bin/sh', '-c', 'read -r JOBS_GATE || exit; unset JOBS_GATE; exec "$@"', 'jobs', 'make', 'all']
    """
    match command.argv:
        case [shell, "-c", line, *arguments] if shell == SHELL and line[:1] not in ("", "-", "+"):
            pass  # a line without further shell options
        case _:
            line, arguments = 'exec "$@"', ["jobs", *command.argv]
    argv = [SHELL, "-c", GATE + line, *arguments]
    return ["nice", "-n", str(command.nice), *argv] if command.nice else argv


def _failure(command: Command, error: OSError) -> str:
    if command.cwd is not None and error.filename == command.cwd:
        return f"cwd: cannot enter the directory: {error.strerror}"
    return f"cannot start the command: {error.strerror}"
