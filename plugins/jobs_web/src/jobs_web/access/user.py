"""Who looks at a page or calls the API, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Role = Literal["viewer", "operator", "editor"]
"""A viewer reads. An operator also runs, pauses, cancels and retries. An editor also changes jobs."""

ROLES: tuple[Role, ...] = get_args(Role)
"""The roles. Each may also do what those before it may."""

MAX_NAME_BYTES = 256
"""The longest name under which a board records changes."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who uses the page.

    Args:
        name: The name under which `jobs changes` shows what they change. None is this process.
        role: What they may do.
        can_log_out: Whether a cookie of this server says who they are.
        is_guest: Whether they have not logged in, because the server is open.
    """

    name: str | None
    role: Role
    can_log_out: bool = False
    is_guest: bool = False

    def may(self, role: Role) -> bool:
        """Return whether the user may do what this role may."""
        return ROLES.index(self.role) >= ROLES.index(role)


def is_user_name(name: str) -> bool:
    """Return whether a board can record changes under this name."""
    return bool(name.strip()) and name.isprintable() and len(name.encode()) <= MAX_NAME_BYTES
