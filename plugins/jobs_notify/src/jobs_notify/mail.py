"""Mail by the SMTP server of the settings."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, parseaddr
from hashlib import sha256
from typing import Any

from jobs_core import OptionError
from jobs_notify.failures import Failed
from jobs_notify.message import Notice
from jobs_notify.payload import domain_of, is_address
from jobs_notify.targets import Destination
from jobs_notify.text import plain_title

TIMEOUT = 10.0
"""Seconds to connect, and for each reply."""

PORTS = {"starttls": 587, "tls": 465, "none": 25}


@dataclass(frozen=True, slots=True)
class MailServer:
    """The mail server of the settings."""

    host: str
    port: int
    tls: str
    user: str
    password: str = field(repr=False)
    name: str = ""
    address: str = ""
    """The name and the address of the sender."""

    @classmethod
    def read(cls, settings: Mapping[str, Any]) -> MailServer:
        """Return the mail server of the settings. Raises OptionError."""
        tls = str(settings["notify_smtp_tls"])
        if tls not in PORTS:
            raise OptionError(f"notify_smtp_tls: expected starttls, tls or none, got {tls!r}")
        name, address = parseaddr(str(settings["notify_smtp_from"]))
        if not settings["notify_smtp_host"] or not is_address(address):
            raise OptionError(
                "notify_smtp_from: mails need a server, notify_smtp_host, and a sender: jobs@example.com"
            )
        user, password = str(settings["notify_smtp_user"]), str(settings["notify_smtp_password"])
        port = int(settings["notify_smtp_port"]) or PORTS[tls]
        return cls(str(settings["notify_smtp_host"]), port, tls, user, password, plain_title(name), address)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @contextmanager
    def session(self) -> Iterator[smtplib.SMTP]:
        """Connect, encrypt and log in. Raises Failed."""
        with _translated():
            smtp = self._connect()
        try:
            with _translated():
                if self.user:
                    smtp.login(self.user, self.password)
            yield smtp
        finally:
            with suppress(smtplib.SMTPException, OSError):
                smtp.quit()
            smtp.close()

    def _connect(self) -> smtplib.SMTP:
        if self.tls == "tls":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT, context=_context())
        smtp = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT)
        if self.tls == "starttls":
            try:
                smtp.starttls(context=_context())
            except BaseException:
                smtp.close()
                raise
        return smtp


def send_mails(
    server: MailServer, mails: Sequence[Destination], notice: Notice, ended: dict[str, str]
) -> None:
    """Send a notice to some addresses, over one connection.

    Args:
        server: The mail server.
        mails: Whom to send it to.
        notice: What to send.
        ended: Is told how each has ended, as soon as that is known: by its label, with a code, or an empty
            text if it was sent.
    """
    try:
        with server.session() as smtp:
            for mail in mails:
                try:
                    with _translated():
                        content = mail_of(server, mail.address, notice).as_bytes()
                        smtp.sendmail(server.address, [mail.address], content)
                    ended[mail.label] = ""
                except Failed as failed:
                    ended[mail.label] = failed.code
                    if failed.code in ("connect", "timeout"):
                        raise
    except Failed as failed:
        for mail in mails:
            ended.setdefault(mail.label, failed.code)


def mail_of(server: MailServer, address: str, notice: Notice) -> EmailMessage:
    """Return a notice as a mail. Each attempt at a task makes the same message id."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(server.name, addr_spec=server.address)
    mail["To"] = address
    mail["Subject"] = notice.title
    mail["Date"] = formatdate(localtime=True)
    digest = sha256(f"{notice.id}\n{address}".encode(errors="replace")).hexdigest()[:32]
    mail["Message-ID"] = f"<{digest}@{domain_of(server.address)}>"
    mail["Auto-Submitted"] = "auto-generated"  # so that nobody's absence is answered to it
    mail.set_content(notice.body, cte="quoted-printable")
    return mail


def _context() -> ssl.SSLContext:
    return ssl.create_default_context()


@contextmanager
def _translated() -> Iterator[None]:
    """Translate errors into codes. Their texts may quote addresses."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        raise Failed(f"smtp-{max(code for code, _ in error.recipients.values())}") from None
    except smtplib.SMTPResponseException as error:
        raise Failed(f"smtp-{error.smtp_code}" if error.smtp_code > 0 else "connect") from None
    except smtplib.SMTPServerDisconnected as error:
        raise Failed("timeout" if isinstance(error.__context__, TimeoutError) else "connect") from None
    except smtplib.SMTPException:  # the server has no TLS, or no login that is known
        raise Failed("settings") from None
    except ssl.SSLError:
        raise Failed("tls") from None
    except TimeoutError:
        raise Failed("timeout") from None
    except OSError:
        raise Failed("connect") from None
