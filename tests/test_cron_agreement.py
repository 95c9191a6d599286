"""Python's explanations and Redis agree: on what a pattern is, and on what each sentence means."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from random import Random
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from jobs_core import Board, OptionError
from jobs_core.cron.explain import explain
from jobs_core.engine import zones

TODAY = date(2027, 1, 1)
MOMENTS = ("2027-01-01", "2027-03-27T18:00Z", "2027-10-30T18:00Z", "2028-02-26", "2040-12-30")
"""Among them days at which the clocks of Brussels change, and the end of a February in a leap year."""

SEEDS = st.integers(0, 2**32)
QUICK = settings(max_examples=3, deadline=None, phases=[Phase.generate])
"""There is no smaller seed that fails."""
MONTHS = ("2", "FEB", "February", "MAR-OCT", "6-12/6")
YEARS = (
    "2027",
    "2027-2030",
    "*/2",
    "2028-2040/4",
    "2027,2199",
    "1999",
    "2027-2199",
    "2027,2029,2040",
    "2028,2034,2040",
)
ODD = (
    *(
        "H-5",
        "+H",
        "+5",
        "L-3",
        "0/15",
        "5/x",
        "*/0",
        "1,,2",
        "-",
        "1-",
        "5-1",
        "H(3)",
        "H()",
        "HL",
        "H#1",
        "++MON",
    ),
    *(
        "+",
        "MON#6",
        "\u017fun",
        "5\n",
        "\u0665",
        "mon",
        "l",
        "15w",
        "**",
        "*-5",
        "?",
        "L",
        "W",
        "1.5",
        "Mondays",
    ),
    *(
        "MAY",
        "MONDAY#1",
        "FRIDAYL",
        "007",
        "2030",
        "JAN-DEC/5",
        "H(MON-FRI)",
        "H/1,5",
        "99999999999",
        "L,15W",
    ),
)
WHOLE = (
    *(
        "",
        " ",
        "@daily",
        "@Daily",
        "@daily *",
        "@reboot",
        "@every 5m",
        "@every",
        "@every x",
        "@every 0",
        "@every ",
    ),
    *(
        "@every R/P1M",
        "@every P1M1M",
        "@every P1D1Y",
        "@every 1h1h",
        "@every P1DT",
        "@every .5",
        "@every 5.s",
    ),
    *("@every PT1H30M", "@every 200year", "@every 0.0004", "@every 1h30", "TZ=UTC @daily", "TZ= 0 9 * * *"),
    *(
        "CRON_TZ=Europe/Brussels 0 9 * * *",
        "TZ=:UTC 0 9 * * *",
        "TZ=UTC",
        "tz=UTC 0 9 * * *",
        "TZ=UTC @every 5",
    ),
    *(
        "cron(0 12 * * ? *)",
        "rate(5 minutes)",
        "0 12 1 1 * 2030",
        "0 0 31 2 *",
        "1," * 140 + "1 * * * *",
        "x",
    ),
)

Asked = tuple[str, str, str | None]
"""A pattern, the rules for clock changes, and a zone."""

DAYS = ("L", "LW", "15W", "1,L", "?", "*,L", "31", "30W", "*,15")
WEEK = (
    "MON",
    "+MON",
    "+H",
    "+*",
    "?",
    "+?",
    "MON#1",
    "5L",
    "FRI#L",
    "+SUN#5",
    "Monday-Friday",
    "FRI-SUN",
    "1-6",
)


class Patterns:
    """Random patterns, of which many come to the same."""

    def __init__(self, chance: Random) -> None:
        self._pick = chance.choice
        self._often = chance.random

    def pattern(self) -> str:
        fields = [self.field(0, 59), self.field(0, 23), self.day(DAYS, 1, 31), self.day(MONTHS, 1, 12)]
        fields.append(self.day(WEEK, 0, 7))
        if self._often() < 0.3:
            fields.insert(0, self.field(0, 59))
            fields += [self._pick(YEARS)] * (self._often() < 0.5)
        return " ".join(fields)

    def text(self) -> str:
        """A pattern with something odd in it, or another text."""
        if self._often() < 0.1:
            return self._pick(WHOLE)
        words = self.pattern().split(" ")
        words[self._pick(range(len(words)))] = self._pick(ODD)
        return " ".join(words + [self._pick(ODD)] * (self._often() < 0.1))

    def asked(self, cron: str) -> Asked:
        return cron, self._pick(("vixie", "vixie", "ocps")), self._pick((None, None, "Europe/Brussels"))

    def day(self, special: tuple[str, ...], low: int, high: int) -> str:
        return self._pick(special) if self._often() < 0.35 else self.field(low, high)

    def field(self, low: int, high: int) -> str:
        common = ("*", "*", str(low), f"{low}-{high}", "*/1", "H")
        if self._often() < 0.6:
            return self._pick(common)
        return ",".join(self._item(low, high) for _ in range(self._pick((1, 1, 2))))

    def _item(self, low: int, high: int) -> str:
        size = high - low + 1
        ends = sorted(self._pick((low, low + 1, low + 2, low + 5, high // 2, high - 1, high)) for _ in "ab")
        stretch = "-".join(map(str, ends))
        base = self._pick(("*", stretch, f"{low}-{high}", "H", f"H({stretch})", f"H({low}-{high})"))
        step = self._pick((1, 2, 3, 7, size // 2, size // 2 + 1, size - 1, size, size + 1, 90, 10**20))
        return self._pick((str(ends[0]), base, f"{base}/{step}", f"{base}/{step}"))


def replies(board: Board, asked: Iterable[Asked], now: str, count: int) -> Iterator[Any]:
    """The runs of each schedule, or the error that rejects it."""

    def words(cron: str, dst: str, zone: str | None) -> list[Any]:
        rules = ("dst", dst) if dst != "vixie" else ()
        in_zone = ("zone", zone) if zone else ()
        return ["-", "cron", cron, *rules, *in_zone, "id", "a", "now", now, "count", count]

    return board.commands.stream(("JNEXT", words(*one)) for one in asked)


def explained(cron: str, dst: str, zone: str | None) -> str | OptionError:
    try:
        return explain(cron, dst=dst, zone=zone, today=TODAY)
    except OptionError as error:
        return error


def summary(reply: Any) -> str:
    return "refused" if isinstance(reply, OptionError) else str(reply)


def check_sentences(board: Board, asked: Iterable[Asked]) -> int:
    """Compare the runs of all schedules that have the same sentence. Returns how many sentences these are."""
    groups: dict[str | OptionError, list[Asked]] = defaultdict(list)
    for one in dict.fromkeys(asked):
        groups[explained(*one)].append(one)
    same = {sentence: group for sentence, group in groups.items() if len(group) > 1}
    members = [one for group in same.values() for one in group]
    for moment in MOMENTS:
        runs = dict(zip(members, map(summary, replies(board, members, moment, 60)), strict=True))
        for sentence, group in same.items():
            assert len({runs[one] for one in group}) == 1, (sentence, group)
    return len(same)


def test_no_sentence_stands_for_two_schedules(board: Board) -> None:
    zones.load(board.commands)

    @QUICK
    @given(SEEDS)
    def check(seed: int) -> None:
        patterns = Patterns(Random(seed))
        assert check_sentences(board, [patterns.asked(patterns.pattern()) for _ in range(500)]) > 5

    check()


def test_schedules_that_were_taken_for_each_other_have_different_sentences(board: Board) -> None:
    zones.load(board.commands)
    crons = ("0 0 1-31 * MON", "0 0 * * MON", "0 0 1 * 0-6", "0 0 1 * *", "0 0 *,15 * MON", "0 0 */1 * MON")
    hours = ("0 0-23 * * *", "0 * * * *", "0 0,12 * * *", "0 */12 * * *", "0 0-12/12 * * *")
    asked: list[Asked] = []
    for dst in ("vixie", "ocps"):
        asked += [(cron, dst, None) for cron in crons]
        asked += [(cron, dst, "Europe/Brussels") for cron in hours]
    check_sentences(board, asked)


def test_explain_and_redis_accept_the_same_patterns(board: Board) -> None:
    zones.load(board.commands)

    @QUICK
    @given(SEEDS)
    def check(seed: int) -> None:
        patterns = Patterns(Random(seed))
        asked: list[Asked] = [(cron, "vixie", None) for cron in WHOLE]
        asked += [patterns.asked(patterns.text()) for _ in range(400)]
        for one, reply in zip(asked, replies(board, asked, "2027-01-01", 1), strict=True):
            sentence = explained(*one)
            if "never runs" in str(reply) and "H" in one[0] and isinstance(sentence, str):
                continue  # the H of another job chooses a day that comes
            assert isinstance(sentence, OptionError) == isinstance(reply, OptionError), (one, sentence, reply)

    check()
