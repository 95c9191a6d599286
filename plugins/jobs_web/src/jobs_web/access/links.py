"""A link that logs one browser in, once."""

from __future__ import annotations

import hmac
import secrets

from jobs_web.access.user import Role


class OneTimeLink:
    """A secret in memory that makes one session of this process.

    Such a session ends with the process. What it changes is recorded as changed by the process.
    """

    role: Role = "editor"

    def __init__(self) -> None:
        self.secret = secrets.token_urlsafe(32)
        self.key = secrets.token_bytes(32)
        """Signs the session."""
        self._is_used = False

    def matches(self, secret: str) -> bool:
        """Return whether this is the secret, whether it has been used or not."""
        return hmac.compare_digest(secret.encode(), self.secret.encode())

    def use(self, secret: str) -> bool:
        """Return whether this is the secret, for the first time."""
        is_right = self.matches(secret) and not self._is_used
        self._is_used |= is_right
        return is_right
