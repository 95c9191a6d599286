"""The permissions of a client's user on a board. JPERMIT asks Redis for them before the first call."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import redis
from redis.exceptions import NoPermissionError

from jobs_core.engine import permissions
from jobs_core.engine.keys import Keys
from jobs_core.engine.loader import exchange
from jobs_core.engine.redis_errors import command_denied, is_denial
from jobs_core.engine.roles import role, role_for
from jobs_core.errors import DeniedError

_FIRST = frozenset(("EXISTS", "GET", "INFO"))
"""The commands that every function, JPERMIT included, runs first to check the board's layout."""


class Access:
    """The permissions of a user on one board. A call that Redis could deny halfway is not sent."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._pool = client.connection_pool
        self._tag = keys.tag
        self.denied: frozenset[str] = frozenset()
        """The commands that Redis denied this user when last asked: XADD, FCALL|JACK."""
        self.refusal_to_ask: NoPermissionError | None = None
        """Why this user could not even ask. Then nothing is known of its permissions."""

    def ask(self, connection: Any) -> frozenset[str]:
        """Ask Redis for the denied commands, over an idle connection."""
        (reply,) = exchange(connection, ("FCALL_RO", "JPERMIT", 1, self._tag, *permissions.everything()))
        self.refusal_to_ask = reply if isinstance(reply, NoPermissionError) else None
        if isinstance(reply, list):
            self.denied = frozenset(map(str, reply))
        elif is_denial(reply) and not isinstance(reply, NoPermissionError):  # inside JPERMIT
            named = command_denied(reply)
            self.denied = frozenset((named,)) if named else _FIRST
        else:  # JPERMIT is denied or missing, or the board has another layout: the next call reports it
            self.denied = frozenset()
        return self.denied

    def permits(self, name: str) -> bool:
        """Return whether a command of Jobs may be called, as far as is known."""
        return not self.denied or self.denied.isdisjoint(permissions.needs(name))

    def require(self, names: Iterable[str]) -> None:
        """Raise DeniedError unless these commands may be called. Ask Redis again before raising."""
        if not self.denied:
            return
        called = set(names)
        if all(map(self.permits, called)):
            return
        self._refresh()
        for name in sorted(called):
            sentence = self._refusal(name)
            if sentence:
                raise DeniedError(sentence)

    def require_role(self, name: str) -> None:
        """Raise DeniedError unless this user has all permissions of a role."""
        sentence = role(name).refusal(self.denied, self._tag)
        if sentence:
            raise DeniedError(sentence)

    def explained(self, error: DeniedError, name: str) -> DeniedError:
        """Return an error that names the denied command. Inside a function, Redis 7.0 does not name it."""
        self._refresh()
        sentence = self._refusal(name)
        return DeniedError(sentence) if sentence else error

    def _refusal(self, name: str) -> str | None:
        return permissions.refusal(name, self.denied, self._tag, role_for(name))

    def _refresh(self) -> None:
        connection = self._pool.get_connection()  # not the caller's, which may have calls in flight
        try:
            self.ask(connection)
        except BaseException:
            connection.disconnect()  # type: ignore[no-untyped-call]
            raise
        finally:
            self._pool.release(connection)
