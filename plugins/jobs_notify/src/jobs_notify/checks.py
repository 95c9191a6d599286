"""The checks of `jobs doctor`."""

from __future__ import annotations

from jobs_core import BoardLike, Finding, OptionError
from jobs_notify.foresight import refusal_of
from jobs_notify.payload import parse

SHOWN = 3
"""Alerts that a finding names."""


def check_mail_server(board: BoardLike) -> Finding:
    """Connect to the mail server of this machine's settings, and log in."""
    from jobs_notify.failures import Failed
    from jobs_notify.mail import MailServer

    settings = board.plugins.settings()
    if not settings["notify_smtp_host"]:
        return Finding("ok", "no mail server is set")
    try:
        server = MailServer.read(settings)
    except OptionError as error:
        return Finding("problem", str(error))
    try:
        with server.session():
            pass
    except Failed as failed:
        return Finding("problem", f"{server} does not take mail: {failed.code}", ADVICE.get(failed.code, ""))
    return Finding("ok", f"{server} takes mail")


ADVICE = {
    "connect": "check the settings notify_smtp_host and notify_smtp_port",
    "timeout": "check the settings notify_smtp_host and notify_smtp_port",
    "tls": "its certificate is not trusted, or it speaks no TLS on this port: see notify_smtp_tls",
    "settings": "it offers no TLS, or no login: see notify_smtp_tls and notify_smtp_user",
    "smtp-535": "check the settings notify_smtp_user and notify_smtp_password",
}


def check_targets(board: BoardLike) -> Finding:
    """Look for alerts whose targets this machine's settings do not have."""
    settings = board.plugins.settings()
    alerts = (alert for alert in board.alert_list() if alert.runner == "notify")
    found = ((alert.name, refusal_of(parse(alert.payload), settings)) for alert in alerts)
    refused = [(name, refusal) for name, refusal in found if refusal]
    if not refused:
        return Finding("ok", "this machine has the targets of all alerts")
    names = ", ".join(name for name, _ in refused[:SHOWN]) + (", …" if len(refused) > SHOWN else "")
    return Finding("warning", f"alerts {names}: {refused[0][1]}", "workers may have other settings")
