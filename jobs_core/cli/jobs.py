"""Commands about jobs: put create show remove pause resume."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from jobs_core.cli.bulk import Lines, report_bulk, warned, with_defaults
from jobs_core.cli.common import (
    because_option,
    connected,
    echo,
    echo_job_warnings,
    echo_json,
    given,
    if_match_option,
    job_options,
    json_option,
    open_board,
    stdin_option,
)
from jobs_core.cli.job_details import echo_details, read_details
from jobs_core.cli.label_option import label_option
from jobs_core.cli.patterns import confirm, shortened
from jobs_core.cli.selection import select_jobs
from jobs_core.errors import NotFoundError, OptionError
from jobs_core.options import JOB_OPTIONS, STATE
from jobs_core.wording import when

if TYPE_CHECKING:
    from jobs_core.app import Board

PUT_OPTIONS = {name: option for name, option in JOB_OPTIONS.items() if option not in STATE}


@click.command()
@click.argument("id", required=False)
@click.argument("runner", required=False)
@click.argument("payload", required=False)
@job_options(PUT_OPTIONS)
@because_option
@if_match_option
@stdin_option
@json_option
@connected
def put(**arguments: Any) -> None:
    """Create or update a job.

    PAYLOAD is the input of the runner: a string or a JSON object.

    \b
      jobs put tick shell date --every 5
      jobs put poll http https://example.com --minutes 5 --decay 2 --step 1d
      jobs put once shell ./migrate --at 2026-12-01T08:00:00Z --timeout 1h
      jobs put report shell ./report --after fetch,clean --label team=data --label tier=1
      jobs put -S --every 1h < jobs.jsonl        # {"id": …, "runner": …, "payload": …, "every": …}
    """
    _put(create=False, **arguments)


@click.command()
@click.argument("id", required=False)
@click.argument("runner", required=False)
@click.argument("payload", required=False)
@job_options(PUT_OPTIONS)
@because_option
@stdin_option
@json_option
@connected
def create(**arguments: Any) -> None:
    """Create a job, and fail if the id exists.

    \b
      jobs create tick shell date --every 5
    """
    _put(create=True, **arguments)


def _put(
    *,
    create: bool,
    id: str | None,
    runner: str | None,
    payload: str | None,
    because: str | None,
    if_match: str | None = None,
    from_stdin: bool,
    as_json: bool,
    url: str | None,
    board_name: str,
    **options: Any,
) -> None:
    board = open_board(url, board_name)
    defaults = given(options)
    if from_stdin:
        if if_match is not None:
            raise OptionError("--if-match is about one job. Remove --stdin.")
        if id is not None:
            raise OptionError(
                "--stdin reads ids, runners and payloads from standard input. Remove the arguments."
            )
        lines = Lines()
        jobs = warned(lines, with_defaults(lines, defaults), board.plugins)
        report_bulk("put", lines, board.put_many(jobs, create=create, because=because))
        return
    if id is None or runner is None or payload is None:
        raise OptionError(f"{'create' if create else 'put'} needs ID RUNNER PAYLOAD, or --stdin.")
    if create:
        next_run = board.create(id, runner, payload, because=because, **defaults)
    else:
        next_run = board.put(id, runner, payload, because=because, if_match=if_match, **defaults)
    echo_job_warnings(board, id, runner, payload, defaults)
    if as_json:
        echo_json(board.show(id))
    elif defaults.get("after") is not None:
        echo(_after_text(board, id, next_run))
    else:
        echo(next_text(board, id, next_run))


def _after_text(board: Board, id: str, next_run: datetime | None) -> str:
    relation = board.when(id)
    missing = f" (not on the board yet: {', '.join(relation['missing'])})" if "missing" in relation else ""
    parents = ", ".join(relation["after"]) + missing
    return f"{next_text(board, id, next_run)}, after {parents}" if next_run else f"{id}: runs after {parents}"


def next_text(board: Board, id: str, next_run: datetime | None) -> str:
    """Return the sentence that tells when a job runs next."""
    if next_run:
        return f"{id}: next run {when(next_run.timestamp())}"
    job = board.show(id)
    match job["state"]:
        case "ended" if "stop" in job and job.get("left") != 0:
            return f"{id}: never runs, because no run comes before its stop, {when(job['stop'])}"
        case "ended":
            return f"{id}: has ended"
        case "paused":
            until = f" until {when(job['paused-until'])}" if "paused-until" in job else ""
            return f"{id}: is paused{until}"
        case "waiting":
            return f"{id}: runs after {', '.join(job['after'])}"
    return f"{id}: runs when pushed"


@click.command()
@click.argument("ids", nargs=-1)
@label_option
@json_option
@connected
def show(
    ids: tuple[str, ...], label: list[str] | None, as_json: bool, url: str | None, board_name: str
) -> None:
    """Show jobs: their options, next run and state.

    `takes` is how long its runs usually take, and `failures` how many in a row have died. Below are the last
    five runs, as in `jobs runs`. For a job with `after`, `met` lists the jobs that have ended since its last
    run, `parents` how they ended, and `missing` those that do not exist. `waiting` is the run of a job with a
    time that waits for them.

    \b
      jobs show tick
      jobs show --label team=payments
      jobs show tick --json | jq '.runs[0].note'
    """
    board = open_board(url, board_name)
    for job in read_details(board, select_jobs(board, ids, label)):
        if as_json:
            echo_json(job)
        else:
            echo_details(job)


@click.command()
@click.argument("ids", nargs=-1)
@label_option
@click.option("--yes", is_flag=True, help="Do not ask before removing the jobs of a pattern or a label.")
@because_option
@json_option
@connected
def remove(
    ids: tuple[str, ...],
    label: list[str] | None,
    yes: bool,
    because: str | None,
    as_json: bool,
    url: str | None,
    board_name: str,
) -> None:
    """Remove jobs by their ids, by patterns as in `jobs list`, or by labels. Queued tasks still run.

    A pattern or a label asks first. Where nobody can answer, it needs --yes.

    \b
      jobs remove tick poll
      jobs remove 'test-*' --yes
      jobs remove --label stage=test
      jobs remove tick --because 'moved to cron'
    """
    board = open_board(url, board_name)
    found = select_jobs(board, ids, label)
    is_group = label is not None or set(found) != set(ids)
    if is_group and not yes:
        confirm(f"Remove {len(found)} job{'s' * (len(found) != 1)}: {', '.join(shortened(found))}?")
    missing = [id for id in dict.fromkeys(found) if not board.remove(id, because=because)]
    if missing:
        raise NotFoundError(f"there is no job {', '.join(map(repr, missing))} on the board {board_name!r}")
    if as_json:
        echo_json({"removed": len(set(found))})
    elif is_group:
        echo(f"{len(found)} removed")


@click.command()
@click.argument("ids", nargs=-1)
@label_option
@click.option("--until", metavar="TIME", help="Resume them at this time.")
@click.option("--for", "for_", metavar="DURATION", help="Resume them after this time: 2h.")
@because_option
@connected
def pause(
    ids: tuple[str, ...], label: list[str] | None, url: str | None, board_name: str, **options: Any
) -> None:
    """Stop scheduling jobs until you resume them, or until a time.

    Then each job runs at its next time. Pausing a job again replaces the time and the reason.

    \b
      jobs pause tick
      jobs pause 'report-*' --for 2h --because 'the database moves'
      jobs pause --label team=payments
      jobs pause tick --until 2026-12-24T08:00:00Z
    """
    board = open_board(url, board_name)
    for id in select_jobs(board, ids, label):
        board.pause(id, **options)


@click.command()
@click.argument("ids", nargs=-1)
@label_option
@because_option
@json_option
@connected
def resume(
    ids: tuple[str, ...],
    label: list[str] | None,
    because: str | None,
    as_json: bool,
    url: str | None,
    board_name: str,
) -> None:
    """Schedule paused jobs again, from now on.

    \b
      jobs resume tick
      jobs resume --label team=payments
    """
    board = open_board(url, board_name)
    for id in select_jobs(board, ids, label):
        next_run = board.resume(id, because=because)
        if as_json:
            echo_json(board.show(id))
        else:
            echo(next_text(board, id, next_run))
