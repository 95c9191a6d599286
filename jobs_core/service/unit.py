"""The systemd unit of a worker. It never holds a secret: those belong in the file of its environment."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath

from jobs_core.errors import OptionError

MARK = "# Written by `jobs service install`."
"""The beginning of each unit that Jobs has written. Others are never replaced or removed."""

STOP_MARGIN = 30
"""Seconds that a stop may take after the drain: tasks end within 15 s, then loggers send what they have."""

HARDENING = """\
NoNewPrivileges=yes
PrivateTmp=yes
ProtectSystem=full
ProtectHome=read-only
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK AF_UNIX
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native"""
"""What the commands of tasks rarely need. A drop-in of `systemctl edit` can allow it again."""

USER_HARDENING = """\
NoNewPrivileges=yes
RestrictRealtime=yes
LockPersonality=yes
SystemCallArchitectures=native"""
"""The part that the service manager of a user can enforce everywhere."""


@dataclass(frozen=True, slots=True)
class Service:
    """A worker as a service.

    Args:
        name: The name of the unit, without `.service`.
        command: The program with its arguments: `/opt/jobs/bin/jobs run --concurrency 20`.
        environment: The file with its environment, one `NAME=value` per line.
        user: Who runs it. None: the user whose service manager runs it.
        drain: How many seconds a stop waits for running tasks.
    """

    name: str
    command: tuple[str, ...]
    environment: PurePath
    user: str | None
    drain: float


def unit(service: Service) -> str:
    """Return the text of the unit.

    Raises:
        OptionError: The name, the user or an argument cannot be part of a unit.

    >>> print(unit(Service("worker", ("/opt/jobs", "run"), Path("/etc/jobs/w.env"), "jobs", 30)))
    # Written by `jobs service install`. …
    """
    is_system = service.user is not None
    return "\n".join(
        [
            f"{MARK} Change it with `systemctl edit`, or install it again.",
            "[Unit]",
            f"Description=Jobs worker ({checked_name(service.name)})",
            *(_network() if is_system else ()),
            "",
            "[Service]",
            "Type=exec",
            f"ExecStart={command_line(service.command)}",
            f"EnvironmentFile={_escape(str(service.environment))}",
            *([f"User={_checked_user(service.user)}"] if service.user is not None else ()),
            f"StateDirectory={service.name}",
            f"WorkingDirectory=%S/{service.name}",
            "UMask=0027",
            "# Exit code 2 is a mistake in an option or a setting. Starting again would not help.",
            "Restart=on-failure",
            "RestartPreventExitStatus=2",
            "RestartSec=5",
            "# The worker alone is told to stop, and lets its tasks end: longer than --drain.",
            "KillMode=mixed",
            "KillSignal=SIGTERM",
            f"TimeoutStopSec={math.ceil(service.drain) + STOP_MARGIN}",
            "# A task that runs out of memory ends alone.",
            "OOMPolicy=continue",
            "# The commands of tasks inherit these.",
            HARDENING if is_system else USER_HARDENING,
            "",
            "[Install]",
            f"WantedBy={'multi-user' if is_system else 'default'}.target",
            "",
        ]
    )


def _network() -> tuple[str, str]:
    return "Wants=network-online.target", "After=network-online.target"


def checked_name(name: str) -> str:
    """Return the name of a unit. Raises OptionError if systemd would not take it, or expand it."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", name) or name.endswith(".service"):
        what = "expected letters, digits, dashes, dots and underscores, without .service"
        raise OptionError(f"name: {what}, got {name!r}", option="name")
    return name


def _checked_user(user: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", user):
        raise OptionError(f"run-as: expected the name of a user, got {user!r}", option="run-as")
    return user


def command_line(words: Iterable[str]) -> str:
    r"""Return words as a command in a unit, in which systemd expands nothing.

    >>> command_line(["/opt/jobs/bin/jobs", "run", "--queue", "100% mine"])
    '/opt/jobs/bin/jobs run --queue "100%% mine"'
    """
    return " ".join(_quote(word) for word in words)


def _quote(word: str) -> str:
    text = _escape(word).replace("$", "$$")
    if re.fullmatch(r"[\w@%+=:,./*$-]+", text, re.ASCII):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _escape(word: str) -> str:
    """Escape specifiers. Characters that would end the line are refused."""
    if not word.isprintable():
        raise OptionError(f"expected text without control characters, got {word!r}")
    return word.replace("%", "%%")
