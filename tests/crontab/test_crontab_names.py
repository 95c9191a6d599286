"""The ids of a crontab's lines, and the zone of the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs_core.crontab import read
from jobs_core.crontab.machine import machine_zone
from jobs_core.crontab.names import with_digest
from tests.crontab.helpers import one


@pytest.mark.parametrize(
    ("command", "id"),
    [
        ("/usr/local/bin/backup-db.sh --full", "backup-db"),
        ("cd /srv/app && ./manage.py clearsessions > /dev/null 2>&1", "manage"),
        ("cd / && run-parts --report /etc/cron.hourly", "cron.hourly"),
        (r"[ $(date +\%d) -le 7 ] && if [ -x /a ]; then /a/checkarray --all; fi", "checkarray"),
        ("test -x /bin/x && perl -e 'sleep int(rand(9))' && certbot -q renew", "certbot"),
        ("sudo -u www nice -n 10 TZ=UTC /srv/sync", "sync"),
        ("timeout 30m flock -n /run/a.lock bash -c 'cd /x; /opt/rotate --now'", "rotate"),
        ("python3 -m mail.digest", "mail.digest"),
        ("'/opt/my prog/run it.sh'", "run-it"),
        ("sleep 10", "sleep"),
        (";", "job"),
    ],
)
def test_an_id_comes_from_the_command(command: str, id: str) -> None:
    assert one(f"@daily {command}").id == id


def ids(text: str, **options: str) -> dict[str, str]:
    """The ids of a crontab's lines, by their schedules and commands."""
    return {f"{line.cron} {line.payload}": line.id for line in read(text, **options).lines}


def test_different_commands_of_one_name_have_a_digest_whatever_their_order() -> None:
    lines = ["@daily /w/a.sh one\n", "@daily /w/a.sh two\n", "@daily b\n"]
    found = ids("".join(lines))
    assert found == ids("".join(reversed(lines)))
    assert found["@daily b"] == "b"
    assert sorted(id.partition("-")[0] for id in found.values()) == ["a", "a", "b"]
    assert len(set(found.values())) == 3
    assert ids("".join(lines), prefix="web1-") == {line: f"web1-{id}" for line, id in found.items()}


def test_only_equal_commands_are_numbered() -> None:
    assert list(ids("@daily a\n@hourly a\n@yearly b-2\n@weekly b\n").values()) == ["a", "a-2", "b-2", "b"]


def test_the_input_of_a_command_is_part_of_it() -> None:
    first, second = ids("@daily a%x\n@hourly a%y\n").values()
    assert first != second
    assert "a-2" not in (first, second)


def test_a_comment_gives_an_id_that_no_other_line_takes() -> None:
    found = read(
        "@daily a\n# id: a\n# nightly\n@daily b\n# id: not an id\n@daily c\n# id: gone\n\n@daily d\n"
    )
    assert [(line.id, line.comment) for line in found.lines] == [
        (with_digest("a", "a"), ""),
        ("a", "nightly"),
        ("c", "id: not an id"),
        ("d", ""),
    ]


def test_the_machines_zone_comes_from_tz_localtime_or_timezone(tmp_path: Path) -> None:
    data = tmp_path / "share" / "zoneinfo" / "Asia" / "Tokyo"
    data.parent.mkdir(parents=True)
    data.touch()
    assert machine_zone(tmp_path, {}) is None
    (tmp_path / "timezone").write_text("Europe/Brussels\n")
    assert machine_zone(tmp_path, {}) == "Europe/Brussels"
    (tmp_path / "localtime").symlink_to(data)
    assert machine_zone(tmp_path, {"TZ": "JST-9"}) == "Asia/Tokyo"
    assert machine_zone(tmp_path, {"TZ": ":America/Lima"}) == "America/Lima"
