"""Passwords of Redis from a file or a command, so that they are in no URL, environment or process list."""

from __future__ import annotations

import shlex
import subprocess
import threading
import time
from pathlib import Path

from redis.credentials import CredentialProvider

from jobs_core.errors import ServerError

COMMAND_TIMEOUT = 10.0
"""Seconds that a command may take to print a password."""

KEPT = 60.0
"""Seconds for which the password that a command printed is used for new connections."""

LONGEST = 65_536
"""The most characters of a password."""


class PasswordFile(CredentialProvider):
    """Reads the password from a file, for each new connection, so that it can be changed at any time."""

    def __init__(self, username: str | None, path: str) -> None:
        self._username = username
        self._path = Path(path).expanduser()

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        """Return the user, if there is one, and the password. Raises ServerError if it cannot be read."""
        try:
            password = self._path.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise ServerError(
                f"redis_password_file: {self._path} cannot be read ({reason}). "
                "Give the user of this process permission, or correct the path."
            ) from None
        return _credentials(self._username, password, f"redis_password_file: {self._path}")


class PasswordCommand(CredentialProvider):
    """Runs a command that prints the password, at most once a minute."""

    def __init__(self, username: str | None, command: str) -> None:
        self._username = username
        self._command = command
        self._lock = threading.Lock()
        self._password = ""
        self._read_at = float("-inf")

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        """Return the user, if there is one, and the password. Raises ServerError if the command fails."""
        with self._lock:
            if time.monotonic() > self._read_at + KEPT:
                self._password = self._run()
                self._read_at = time.monotonic()
        return _credentials(self._username, self._password, "redis_password_command")

    def _run(self) -> str:
        """Run the command. Errors quote neither it nor what it prints."""
        try:
            done = subprocess.run(
                shlex.split(self._command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                text=True,
                timeout=COMMAND_TIMEOUT,
                check=True,
            )
        except subprocess.CalledProcessError as error:
            raise _failed(f"it ended with exit code {error.returncode}") from None
        except subprocess.TimeoutExpired:
            raise _failed(f"it took longer than {COMMAND_TIMEOUT:g} s") from None
        except OSError as error:
            raise _failed(error.strerror or "it cannot be started") from None
        except ValueError:
            raise _failed("it has an unclosed quote, or prints no UTF-8") from None
        return done.stdout.rstrip("\r\n")


def _failed(reason: str) -> ServerError:
    return ServerError(
        f"redis_password_command: the command that prints the password of Redis failed: {reason}"
    )


def _credentials(username: str | None, password: str, where: str) -> tuple[str] | tuple[str, str]:
    if not password or len(password) > LONGEST or "\n" in password:
        raise ServerError(f"{where}: expected the password of Redis as one line")
    return (username, password) if username else (password,)
