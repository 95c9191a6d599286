"""`jobs backfill`: run the occurrences of the past that have not run."""

from __future__ import annotations

import click

from jobs_core.cli.backfill_view import as_fields, counts, follow, show_plan
from jobs_core.cli.common import (
    because_option,
    connected,
    echo,
    echo_json,
    echo_table,
    json_option,
    open_board,
)
from jobs_core.cli.spoken_time import spoken_time
from jobs_core.wording import when


class BackfillGroup(click.Group):
    """A group for which `jobs backfill JOB …` is `jobs backfill start JOB …`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments, with `start` where no command is named."""
        return super().parse_args(ctx, self.with_command(args))

    def with_command(self, words: list[str]) -> list[str]:
        """Return the words with `start` before them, unless they name a command or ask for help."""
        is_complete = not words or words[0] in (*self.commands, "-h", "--help")
        return words if is_complete else ["start", *words]


@click.group(cls=BackfillGroup)
def backfill() -> None:
    """Run the occurrences of a job in the past that have not run.

    \b
      jobs backfill report --from 2026-11-01 --to 2026-12-01 --dry-run
      jobs backfill report --from 2026-11-01 --to 2026-12-01 --concurrency 4
      jobs backfill list
      jobs backfill cancel 1
    """


@backfill.command()
@click.argument("job")
@click.option(
    "--from",
    "start",
    callback=spoken_time,
    required=True,
    metavar="TIME",
    help="The beginning, such as yesterday or -2h.",
)
@click.option(
    "--to",
    "stop",
    callback=spoken_time,
    required=True,
    metavar="TIME",
    help="The end: occurrences before this time.",
)
@click.option("--dry-run", is_flag=True, help="Show what would run, and run nothing.")
@click.option(
    "--concurrency",
    type=click.IntRange(1, 1000),
    default=1,
    show_default=True,
    help="How many may be queued or running at once.",
)
@click.option("--latest-first", is_flag=True, help="Begin with the latest occurrence.")
@click.option("--unknown", is_flag=True, help="Include occurrences that the history no longer reaches.")
@click.option("--detach", is_flag=True, help="Print the number of the backfill, and do not wait.")
@because_option
@json_option
@connected
@click.pass_context
def start(
    ctx: click.Context,
    /,
    job: str,
    start: str,
    stop: str,
    dry_run: bool,
    concurrency: int,
    latest_first: bool,
    unknown: bool,
    detach: bool,
    because: str | None,
    as_json: bool,
    url: str | None,
    board_name: str,
) -> None:
    """Queue the occurrences of a job that have not run, and watch them.

    They are those of its schedule, from one time on and before another, under their own ids: one that has run
    is never run again. Occurrences that were skipped or coalesced have not run. The server continues a
    backfill, whatever becomes of this command. The exit code is 1 if any task ends otherwise than done.

    A time without an offset is UTC. A day or a time of day in words, such as 'tue 03:00', is local, and past.

    The word start may be left out, unless the job has the name of a command.

    \b
      jobs backfill report --from 2026-11-01 --to 2026-12-01 --dry-run
      jobs backfill report --from yesterday --to today
      jobs backfill report --from 2026-11-01 --to 2026-12-01 --latest-first --detach
    """
    board = open_board(url, board_name)
    if dry_run:
        show_plan(list(board.occurrences(job, start, stop)), board.show(job).get("zone"), unknown, as_json)
        return
    found = board.backfill(
        job,
        start,
        stop,
        concurrency=concurrency,
        latest_first=latest_first,
        unknown=unknown,
        because=because,
    )
    if not detach:
        ctx.exit(follow(board, found.id, as_json))
    if as_json:
        echo_json(as_fields(found))
    else:
        echo(found.id)


@backfill.command("list")
@json_option
@connected
def list_(as_json: bool, url: str | None, board_name: str) -> None:
    """List backfills: those under way, and the latest 100 that have ended.

    \b
      jobs backfill list
      jobs backfill list --json
    """
    found = list(open_board(url, board_name).backfill_list())
    if as_json:
        for one in found:
            echo_json(as_fields(one))
        return
    columns = ("id", "job", "state", "from", "to", "total", "left", "running", "done", "failed")
    rows = (
        (
            *(one.id, one.job, one.state, when(one.start), when(one.stop), one.total, one.left, one.running),
            *(one.done + one.unleased, one.failed),
        )
        for one in found
    )
    echo_table(columns, rows)


@backfill.command()
@click.argument("id")
@json_option
@connected
@click.pass_context
def watch(ctx: click.Context, id: str, as_json: bool, url: str | None, board_name: str) -> None:
    """Watch a backfill until it is over.

    The exit code is 1 if any of its tasks ended otherwise than done. Ctrl-C leaves the backfill going.

    \b
      jobs backfill watch 1
    """
    ctx.exit(follow(open_board(url, board_name), id, as_json))


@backfill.command()
@click.argument("id")
@because_option
@json_option
@connected
def cancel(id: str, because: str | None, as_json: bool, url: str | None, board_name: str) -> None:
    """Cancel a backfill.

    Nothing more is queued, what is queued is removed, and workers are told to stop what is running.

    \b
      jobs backfill cancel 1
      jobs backfill cancel 1 --because 'it takes too long'
    """
    found = open_board(url, board_name).backfill_cancel(id, because=because)
    if as_json:
        echo_json(as_fields(found))
    else:
        echo(f"{found.state}: {counts(found)}")
