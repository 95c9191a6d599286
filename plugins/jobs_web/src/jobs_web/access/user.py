"""Who looks at a page or calls the API, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Role = Literal["viewer", "operator", "editor"]
"""A viewer reads. An operator also runs, pauses, cancels and retries. An editor also changes jobs."""

ROLES: tuple[Role, ...] = get_args(Role)
"""The roles. Each may also do what those before it may."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who uses the page. `jobs changes` shows their changes under `name`; None is this process."""

    name: str | None
    role: Role

    def may(self, role: Role) -> bool:
        """Return whether the user may do what this role may."""
        return ROLES.index(self.role) >= ROLES.index(role)
