"""Where units and their environments are kept, and how they are written and removed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jobs_core.errors import ExistsError, FaultError, NotFoundError, OptionError
from jobs_core.service.unit import MARK, Service, checked_name, unit

BOOTED = Path("/run/systemd/system")
"""The directory that exists while systemd runs the machine: see sd_booted(3)."""

ENVIRONMENT = """\
# The environment of {name}: NAME=value, one per line. Only the owner of this file can read it.
# The address of Redis. Keep the password in a file of its own, or in the URL.
#JOBS_REDIS_URL=rediss://jobs-worker@redis.internal/0
#JOBS_REDIS_PASSWORD_FILE=/etc/jobs/redis-password
#JOBS_BOARD=jobs
"""


@dataclass(frozen=True, slots=True)
class Places:
    """The unit of a service, and the file with its environment."""

    unit: Path
    environment: Path


@dataclass(frozen=True, slots=True)
class Installed:
    """What an installation has done: with the unit (`created`, `updated` or `unchanged`), and whether it has
    made a file for the environment."""

    places: Places
    change: str
    made_environment: bool


def require_systemd() -> None:
    """Raise OptionError if systemd does not run this machine."""
    if not BOOTED.is_dir():
        raise OptionError(
            "This machine is not run by systemd: start `jobs run` with the service manager that it has, "
            "or print the unit with --dry-run"
        )


def places_of(name: str, *, is_system: bool) -> Places:
    """Return where the files of a service are. Raises OptionError if the name is invalid."""
    checked_name(name)
    if is_system:
        return Places(Path(f"/etc/systemd/system/{name}.service"), Path(f"/etc/jobs/{name}.env"))
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return Places(home / f"systemd/user/{name}.service", home / f"jobs/{name}.env")


def below(root: Path, path: Path) -> Path:
    """Return a path in the system whose root directory is `root`."""
    return root / path.relative_to(path.anchor)


def install(service: Service, places: Places, root: Path = Path("/")) -> Installed:
    """Write the unit of a service, and a file for its environment if there is none.

    Args:
        service: The service.
        places: Where its files are.
        root: The root directory of the system to write to.

    Raises:
        ExistsError: There is such a unit, and Jobs has not written it.
        FaultError: A file cannot be written.
    """
    text, path = unit(service), below(root, places.unit)
    with _writing():
        before = path.read_text("utf-8") if path.exists() else None
        if before is not None and not before.startswith(MARK):
            raise ExistsError(
                f"{path} was not written by `jobs service`: choose another --name, or remove it"
            )
        made = _make_environment(below(root, places.environment), service.name)
        if before != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    change = "created" if before is None else "unchanged" if before == text else "updated"
    return Installed(places, change, made)


def _make_environment(path: Path, name: str) -> bool:
    """Create the file of the environment, readable by its owner only. Returns False if it exists."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(ENVIRONMENT.format(name=name))
    return True


def remove(name: str, places: Places, root: Path = Path("/")) -> Path:
    """Remove the unit of a service. Its environment stays, since it may have been written by hand.

    Returns:
        The path of the unit.

    Raises:
        NotFoundError: Jobs has written no such unit.
        ExistsError: The service still starts by itself, or runs.
        FaultError: The unit cannot be removed.
    """
    path = below(root, places.unit)
    with _writing():
        if not path.exists() or not path.read_text("utf-8").startswith(MARK):
            raise NotFoundError(f"`jobs service` has written no unit {path}")
        if any(path.parent.glob(f"*.wants/{name}.service")):
            user = "" if path.parent.name == "system" else "--user "
            raise ExistsError(f"{name} is enabled: first run `systemctl {user}disable --now {name}`")
        path.unlink()
    return path


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except (OSError, UnicodeError) as error:
        reason = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else "it is not UTF-8"
        raise FaultError(f"cannot change the unit: {reason}") from None
