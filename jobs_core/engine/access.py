"""What the user of a board's client may not do there: asked of Redis before the first call, with JPERMIT."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import redis
from redis.exceptions import NoPermissionError

from jobs_core.engine import permissions
from jobs_core.engine.keys import Keys
from jobs_core.engine.loader import read_reply
from jobs_core.engine.redis_errors import command_denied, is_denial
from jobs_core.engine.roles import role, role_for
from jobs_core.errors import DeniedError

_FIRST = frozenset(("EXISTS", "GET", "INFO"))
"""What every command runs before anything else, to see what layout the board has: JPERMIT, too."""


class Access:
    """What Redis permits a user on one board. A command that could be denied half-way is not sent at all."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._pool = client.connection_pool
        self._tag = keys.tag
        self.denied: frozenset[str] = frozenset()
        """What this user may not run, as Redis last said: XADD, FCALL|JACK."""

    def ask(self, connection: Any) -> frozenset[str]:
        """Ask Redis over a connection on which nothing is under way. Returns what is denied."""
        connection.send_command("FCALL_RO", "JPERMIT", 1, self._tag, *permissions.everything())
        reply = read_reply(connection)
        if isinstance(reply, list):
            self.denied = frozenset(map(str, reply))
        elif is_denial(reply) and not isinstance(reply, NoPermissionError):  # inside JPERMIT
            named = command_denied(reply)
            self.denied = frozenset((named,)) if named else _FIRST
        else:  # JPERMIT itself is denied, or not there; a board of another layout: a call will say so
            self.denied = frozenset()
        return self.denied

    def permits(self, name: str) -> bool:
        """Whether a command of ours may be called, as far as is known."""
        return not self.denied or self.denied.isdisjoint(permissions.needs(name))

    def require(self, names: Iterable[str]) -> None:
        """Raise DeniedError unless these commands may be called. Redis is asked again before that."""
        if not self.denied:
            return
        called = set(names)
        if all(map(self.permits, called)):
            return
        self._ask_again()
        for name in sorted(called):
            sentence = self._refusal(name)
            if sentence:
                raise DeniedError(sentence)

    def require_role(self, name: str) -> None:
        """Raise DeniedError unless this user may do what one in a role does."""
        sentence = role(name).refusal(self.denied, self._tag)
        if sentence:
            raise DeniedError(sentence)

    def explained(self, error: DeniedError, name: str) -> DeniedError:
        """Return an error with what was denied: inside a function, Redis 7.0 does not name it."""
        self._ask_again()
        sentence = self._refusal(name)
        return DeniedError(sentence) if sentence else error

    def _refusal(self, name: str) -> str | None:
        return permissions.refusal(name, self.denied, self._tag, role_for(name))

    def _ask_again(self) -> None:
        connection = self._pool.get_connection()  # of its own: something may be under way on the caller's
        try:
            self.ask(connection)
        except BaseException:
            connection.disconnect()  # type: ignore[no-untyped-call]
            raise
        finally:
            self._pool.release(connection)
