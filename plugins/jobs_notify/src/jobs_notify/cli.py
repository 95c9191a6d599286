"""`jobs notify`: the targets of this machine, and whether they can be reached."""

from __future__ import annotations

from typing import Any

import click

from jobs_core import Context, Plugins
from jobs_core.plugin_cli import echo, echo_json, echo_table, json_option

TITLE = "A test of Jobs"
BODY = "This is only a test: nothing is wrong."


@click.group()
def notify() -> None:
    """Show and try whom this machine can notify.

    Targets are settings: a section [settings.notify] of jobs.toml, or a variable JOBS_NOTIFY_<NAME> for each.

    \b
      jobs notify list
      jobs notify test ops
    """


@notify.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the targets, and the services behind each.

    \b
      jobs notify list
    """
    from jobs_notify.targets import kind_of, target

    settings = _settings()
    rows = [
        (name, [kind_of(one.url) for one in target(name, settings)]) for name in sorted(settings["notify"])
    ]
    if as_json:
        for name, kinds in rows:
            echo_json({"target": name, "services": kinds})
    else:
        echo_table(("target", "services"), ((name, ", ".join(kinds)) for name, kinds in rows))


@notify.command()
@click.argument("targets", nargs=-1, required=True)
@click.option("--title", default=TITLE, show_default=True, help="The title.")
@click.option("--body", default=BODY, show_default=True, help="The text.")
@json_option
@click.pass_context
def test(ctx: click.Context, targets: tuple[str, ...], title: str, body: str, as_json: bool) -> None:
    """Send a notification from this machine, with its settings, to targets or mailto: addresses.

    It shows how each was sent, and exits with 1 if one was not. `jobs alert test` tries an alert instead,
    with the settings of the worker.

    \b
      jobs notify test ops
      jobs notify test mailto:ann@example.com --body 'Did you get this?'
    """
    from jobs_notify.delivery import send_all
    from jobs_notify.message import Notice
    from jobs_notify.payload import check
    from jobs_notify.targets import destinations
    from jobs_notify.text import plain_body, plain_title

    settings = _settings()
    payload = {"to": list(targets), "body": body}
    check(payload, is_alert=False)
    found = destinations(payload, settings)
    ended: dict[str, str] = {}
    notice = Notice(plain_title(title), plain_body(body), id="test")
    send_all(found, notice, Context("jobs notify test", settings=settings), ended)
    for label, code in ended.items():
        if as_json:
            echo_json({"target": label, "sent": not code, "code": code})
        else:
            echo(f"{label}: not sent ({code})" if code else f"{label}: sent")
    ctx.exit(1 if any(ended.values()) else 0)


def _settings() -> dict[str, Any]:
    return Plugins.load().settings()
