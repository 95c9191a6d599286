"""`scripts/torture`: run, and print the verdict."""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from jobs_core.cli.common import echo_json, echo_table
from torture.run import Report, Scale, run

ON_EACH_NODE = ("a", "b", "c")
"""Boards on the three primaries of a cluster."""


@click.command()
@click.option(
    "--occurrences", type=click.IntRange(min=1), default=200_000, show_default=True, help="Minimum number."
)
@click.option("--faults", type=click.IntRange(min=0), default=550, show_default=True, help="Minimum number.")
@click.option(
    "--seconds", type=float, default=1500.0, show_default=True, help="How long the feeder adds work."
)
@click.option("--workers", type=click.IntRange(min=1), default=4, show_default=True, help="Worker processes.")
@click.option("--durable", is_flag=True, help="Durable boards: a primary crashes, its replica takes over.")
@click.option("--cluster", is_flag=True, help="Boards in a cluster: its nodes crash and freeze, slots move.")
@click.option("--board", "names", multiple=True, help="A board. Repeat it for more.  [default: one per node]")
@click.option("--partitions", type=click.IntRange(1, 256), help="Partitions of each board.  [default: none]")
@click.option(
    "--only", multiple=True, metavar="FAULT", help="This kind of fault. Repeat it for more.  [default: all]"
)
@click.option("--seed", help="Repeat the faults of a run with this seed (default: the time).")
@click.option("--keep", type=click.Path(path_type=Path), help="Keep logs and data in this new folder.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(
    occurrences: int,
    faults: int,
    seconds: float,
    workers: int,
    durable: bool,
    cluster: bool,
    names: tuple[str, ...],
    partitions: int | None,
    only: tuple[str, ...],
    seed: str | None,
    keep: Path | None,
    as_json: bool,
) -> None:
    """Inject faults into whole boards, and track every occurrence.

    Exits with 1 if anything is unaccounted for. JOBS_SERVER names the program of the servers.

    \b
      scripts/torture
      scripts/torture --cluster --durable --seconds 600
      scripts/torture --cluster --durable --partitions 6
      JOBS_SERVER=redis-server scripts/torture --cluster --board a --board b
    """
    names = names or (ON_EACH_NODE if cluster and not partitions else ("torture",))
    seed = seed or f"{time.time():.0f}"
    scale = Scale(occurrences, faults, seconds, workers, durable, cluster, names, partitions, only)
    if unknown := set(only) - scale.kinds().keys():
        raise click.UsageError(f"There is no fault {sorted(unknown)[0]!r} in such a run.")
    with _folder(keep) as folder:
        report = run(folder, scale, random.Random(seed), lambda text: click.echo(text, err=True))
    if as_json:
        echo_json(report.as_dict() | {"seed": seed})
    else:
        _print(report, seed)
    sys.exit(1 if report.verdict.wrong else 0)


def _print(report: Report, seed: str) -> None:
    found = report.as_dict()
    wrong = found.pop("wrong")
    echo_table(("", f"seed {seed}"), found["verdict"].items())
    echo_table(("fault", "count"), found["faults"].items())
    echo_table(("ledger", ""), found["ledger"].items())
    for sentence in wrong[:50]:
        click.echo(f"WRONG: {sentence}", err=True)
    if len(wrong) > 50:
        click.echo(f"WRONG: … and {len(wrong) - 50} more", err=True)


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="torture-") as name:
            yield Path(name)
        return
    keep.mkdir(parents=True)
    yield keep


if __name__ == "__main__":
    main()
