"""Starts the server of `jobs web`, and the one beside `jobs up`."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from jobs_core import Board, OptionError, ServerError
from jobs_core.plugin_cli import echo, on_end_signals, open_board
from jobs_web.access.configuration import Access
from jobs_web.access.links import OneTimeLink
from jobs_web.access.proxy import TrustedProxies, networks
from jobs_web.access.tokens import Tokens
from jobs_web.access.user import Role
from jobs_web.application import app
from jobs_web.server import Server, Tls, is_loopback, listen, url_of

LOOPBACK = "127.0.0.1"

PORTS = range(8080, 8100)
"""Where the page beside `jobs up` may be, unless a port is chosen."""

LOOPBACK_NAMES = frozenset(("localhost", "127.0.0.1", "::1"))


@dataclass(frozen=True, slots=True)
class Options:
    """The options of `jobs web`."""

    url: str | None
    boards: tuple[str, ...]
    host: str
    port: int
    tls_cert: Path | None
    tls_key: Path | None
    is_open: bool
    open_role: Role | None
    host_names: tuple[str, ...]
    proxies: tuple[str, ...]
    user_header: str | None
    user_role: Role | None

    def check(self) -> None:
        """Raise OptionError for options that are wrong, or do not fit together."""
        needs = (
            (self.tls_cert and not self.tls_key, "tls-cert", "--tls-key"),
            (self.tls_key and not self.tls_cert, "tls-key", "--tls-cert"),
            (self.open_role and not self.is_open, "open-role", "--open"),
            (self.user_header and not self.proxies, "user-header", "--trusted-proxy"),
            (self.user_role and not self.user_header, "user-role", "--user-header"),
        )
        for is_wrong, name, other in needs:
            if is_wrong:
                raise OptionError(f"{name}: needs {other}, too", option=name)
        if twice := next((name for name in self.boards if self.boards.count(name) > 1), None):
            raise OptionError(f"board: {twice!r} is given twice: name each board once", option="board")
        if self.tls:
            self.tls.check()
        networks(self.proxies)

    @property
    def tls(self) -> Tls | None:
        """The files of the certificate."""
        return Tls(self.tls_cert, self.tls_key) if self.tls_cert and self.tls_key else None


def serve(options: Options) -> None:
    """Serve until SIGTERM or Ctrl-C. Raises OptionError and ServerError before."""
    options.check()
    boards = [open_board(options.url, name) for name in options.boards]
    with closing(listen(options.host, options.port)) as listener:
        access = _access(options, boards[0], listener)
        server = Server(app(*boards, access=access), listener, options.tls)
        url = url_of(options.host, listener, is_https=options.tls is not None)
        with on_end_signals(server.stop):
            _announce(url, access)
            server.run()


def _access(options: Options, board: Board, listener: socket.socket) -> Access:
    """Return who may use the server. Raises OptionError if that would be everybody by accident."""
    is_local = is_loopback(listener)
    lets_in = options.is_open or options.user_header is not None
    needs_token = not lets_in and _has_tokens(board, is_local)
    if not is_local and not lets_in and not needs_token:
        raise OptionError(
            f"host: {options.host} is public, and the board {board.name} has no tokens: add one with "
            "`jobs web token add NAME`, or let everybody in with --open",
            option="host",
        )
    return Access(
        open_role=(options.open_role or "editor") if options.is_open else None,
        link=None if lets_in or needs_token else OneTimeLink(),
        proxies=TrustedProxies(networks(options.proxies), options.user_header, options.user_role),
        hosts=_hosts(options, trusts_machine=is_local and not options.tls and not needs_token),
    )


def _has_tokens(board: Board, is_local: bool) -> bool:
    """Return whether the board has tokens. A local server starts before its Redis does."""
    try:
        return bool(Tokens(board).all())
    except ServerError as error:
        if not is_local:
            raise
        echo(f"{error}\nThe page says so until it does.", err=True)
        return False


def _hosts(options: Options, *, trusts_machine: bool) -> frozenset[str] | None:
    """Return the names that the server has; None if it does not matter.

    Another site can give its own name the address of this machine (DNS rebinding). Its scripts then reach a
    server that trusts whoever is on this machine.
    """
    if not options.host_names and not trusts_machine:
        return None
    names = LOOPBACK_NAMES | {options.host, *options.host_names}
    return frozenset(name.lower() for name in names)


def _announce(url: str, access: Access) -> None:
    if access.link:
        echo(f"{url}/login?link={access.link.secret}")
        echo("The link works once. `jobs web token add NAME` makes a token for later logins.", err=True)
    else:
        echo(url)


@contextmanager
def page_of_up(board: Board, port: int | None) -> Iterator[str]:
    """Serve the page of a board beside `jobs up`. Yields a sentence with its link.

    Args:
        board: The board.
        port: The port. None: the first one of PORTS that is free.

    Raises:
        OptionError: The port is taken.
    """
    link = OneTimeLink()
    with closing(_first_free(port)) as listener:
        server = Server(app(board, access=Access(link=link, hosts=LOOPBACK_NAMES)), listener)
        thread = threading.Thread(target=server.run, name="jobs-web")
        thread.start()
        try:
            yield f"See the board: {url_of(LOOPBACK, listener)}/login?link={link.secret}"
        finally:
            server.stop()
            thread.join()


def _first_free(port: int | None) -> socket.socket:
    ports = PORTS if port is None else (port,)
    for candidate in ports[:-1]:
        try:
            return listen(LOOPBACK, candidate)
        except OptionError:
            continue
    return listen(LOOPBACK, ports[-1])
