"""Combine the replies of partitions to one command."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain as chained
from typing import Any

END = "-"
"""In a cursor of several lists: this one has ended."""


def pairs(flat: Sequence[Any]) -> dict[str, Any]:
    """Read name and number pairs."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


def sum_pairs(replies: Sequence[Any]) -> list[Any]:
    """Add up name and number pairs."""
    total: Counter[str] = Counter()
    for reply in replies:
        total.update(pairs(reply))
    return list(chained.from_iterable(total.items()))


def labels(replies: Sequence[Any]) -> list[Any]:
    """Add up label and number pairs, sorted by label."""
    found = pairs(sum_pairs(replies))
    return list(chained.from_iterable((label, found[label]) for label in sorted(found)))


def first(replies: Sequence[Any]) -> Any:
    """Return the reply of the first partition: the others are equal."""
    return replies[0]


def largest(replies: Sequence[Any]) -> Any:
    """Return the largest reply."""
    return max(replies)


def chain(replies: Sequence[Any]) -> list[Any]:
    """Return all items, those of each partition side by side."""
    return list(chained.from_iterable(replies))


def tick(replies: Sequence[Any]) -> list[int]:
    """Add up what ticks moved, and return when the first partition has more to do, and the time now."""
    dues = [due for _, due, *_ in replies if due]
    return [sum(reply[0] for reply in replies), min(dues, default=0), max(reply[2] for reply in replies)]


def hours(replies: Sequence[Any]) -> list[str]:
    """Add up the counts of each hour."""
    totals: dict[int, Counter[str]] = {}
    for text in chain(replies):
        counts = json.loads(text)
        totals.setdefault(counts.pop("hour"), Counter()).update(counts)
    return [json.dumps({"hour": hour, **totals[hour]}) for hour in sorted(totals)]


def gaps(replies: Sequence[Any]) -> list[str]:
    """Return gaps by when they began. Those that all partitions noticed alike are one."""
    found: list[str] = list(dict.fromkeys(chain(replies)))
    return sorted(found, key=lambda text: float(json.loads(text)["from"]))


def states(replies: Sequence[Any]) -> list[Any]:
    """Make one state of those of all partitions, as JDUMP lists them."""
    return ["0", [["state", "", ",".join(state for _, ((_, _, state),) in replies)]]]


def shares(lengths: Sequence[int], keep: int) -> list[int]:
    """Share out how many tasks to keep, in proportion to how many there are.

    >>> shares([30, 10, 0], 10)
    [8, 2, 0]
    """
    total = sum(lengths)
    if total <= keep:
        return list(lengths)
    exact = [length * keep / total for length in lengths]
    found = [int(share) for share in exact]
    by_rest = sorted(range(len(found)), key=lambda place: found[place] - exact[place])
    for place in by_rest[: keep - sum(found)]:
        found[place] += 1
    return found


def top(replies: Sequence[Any], rows: int) -> list[Any]:
    """Combine the replies to JTOP."""
    boards = [json.loads(reply[0]) for reply in replies]
    tasks = sorted(chain([reply[1] for reply in replies]), key=lambda text: float(json.loads(text)["until"]))
    queues = _queues([json.loads(text) for reply in replies for text in reply[2]])
    workers = one_of_each(json.loads(text) for reply in replies for text in reply[3])
    return [
        json.dumps(_board(boards, len(queues), len(workers))),
        tasks[:rows],
        [json.dumps(queue) for queue in queues[:rows]],
        [json.dumps(worker) for worker in workers[:rows]],
    ]


def one_of_each(workers: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each worker once: as it was seen last, with what it runs in all partitions."""
    found: dict[str, dict[str, Any]] = {}
    running: Counter[str] = Counter()
    for worker in workers:
        name = worker["worker"]
        running[name] += worker.get("running", 0)
        if name not in found or found[name]["seen"] < worker["seen"]:
            found[name] = worker
    for name, worker in found.items():
        if "running" in worker:
            worker["running"] = running[name]
    return list(found.values())


def _queues(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Add up the parts of each queue. The longest comes first."""
    by_name: dict[str, dict[str, Any]] = {}
    for part in found:
        whole = by_name.setdefault(part["queue"], {"queue": part["queue"], "length": 0})
        whole["length"] += part["length"]
        if "oldest" in part:
            whole["oldest"] = min(part["oldest"], whole.get("oldest", part["oldest"]))
    return sorted(by_name.values(), key=lambda queue: (-queue["length"], queue["queue"]))


_FIRST, _LAST = ("overdue_since",), ("time", "ticked", "queues", "workers")
"""What is the earliest, or the largest, of all partitions: queues and workers are the same in each."""


def _board(boards: Sequence[Mapping[str, Any]], queues: int, workers: int) -> dict[str, Any]:
    """Add up what JTOP tells of the board. At least so many queues and workers are known."""
    found: dict[str, Any] = {}
    for name in dict.fromkeys(chain(boards)):
        values = [board[name] for board in boards if name in board]
        if name == "ledger":
            found[name] = sum(map(Counter, values), Counter(dict.fromkeys(values[0], 0)))
        elif name == "partial":
            found[name] = True
        elif name in _FIRST:
            found[name] = min(values)
        else:
            found[name] = max(values) if name in _LAST else sum(values)
    found["queues"], found["workers"] = max(found["queues"], queues), max(found["workers"], workers)
    found["ledger"] = {name: found["ledger"][name] for name in boards[0]["ledger"]}
    return found


def read_cursors(cursor: str | None, count: int) -> list[str]:
    """Return where to go on in each of several lists: empty at its beginning, `END` at its end.

    Another text than `newest_changes` returns is for each of them to accept or reject.
    """
    found = cursor.split(",") if cursor else []
    return found if len(found) == count else [cursor or ""] * count


def newest_changes(
    pages: Mapping[int, tuple[str, Sequence[str]]], cursors: Sequence[str], count: int
) -> list[Any]:
    """Combine pages of JCHANGES, each newest first, into one of at most `count` changes.

    Args:
        pages: The reply of each partition that was asked: where it goes on, and its changes.
        cursors: Where each page began.
        count: How many changes.

    Returns:
        Where to go on, and the changes.
    """
    entries = [
        (_moment(json.loads(text)["id"]), place, text) for place, (_, page) in pages.items() for text in page
    ]
    # What a partition has not looked at yet may be newer than what another one has.
    unread = max((_moment(cursor) for cursor, _ in pages.values() if cursor != "0"), default=(0, 0))
    entries.sort(key=lambda entry: (entry[0], -entry[1]), reverse=True)
    chosen = [entry for entry in entries if entry[0] >= unread][:count]
    last = {place: json.loads(text)["id"] for _, place, text in chosen}
    taken = Counter(place for _, place, _ in chosen)
    following = [
        _following(cursor, pages.get(place), taken[place], last.get(place))
        for place, cursor in enumerate(cursors)
    ]
    has_ended = all(cursor == END for cursor in following)
    return ["0" if has_ended else ",".join(following), [text for _, _, text in chosen]]


def _following(cursor: str, page: tuple[str, Sequence[str]] | None, taken: int, last: str | None) -> str:
    """Return where a partition goes on, if so many of its changes were taken, the last one of this id."""
    if page is None:
        return END
    end, changes = page
    if taken < len(changes):
        return last or cursor
    return END if end == "0" else end


def _moment(id: str) -> tuple[int, int]:
    """Return the time of an entry of a stream, and its number."""
    time, _, number = id.partition("-")
    return int(time), int(number or 0)
