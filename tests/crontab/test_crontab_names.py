"""The ids of a crontab's lines, and the zone of the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs_core.crontab import read
from jobs_core.crontab.machine import machine_zone
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


def test_ids_are_unique_and_the_same_each_time() -> None:
    text = "@daily a --x\n@daily a --y\n@daily /bin/a\n@daily a-2\n"
    ids = [line.id for line in read(text).lines]
    assert ids == ["a", "a-2", "a-3", "a-2-2"] == [line.id for line in read(text).lines]
    assert [line.id for line in read(text, prefix="web1-", taken=["web1-a"]).lines][:2] == [
        "web1-a-2",
        "web1-a-3",
    ]


def test_a_comment_gives_an_id_that_no_other_line_takes() -> None:
    found = read(
        "@daily a\n# id: a\n# nightly\n@daily b\n# id: not an id\n@daily c\n# id: gone\n\n@daily d\n"
    )
    assert [(line.id, line.comment) for line in found.lines] == [
        ("a-2", ""),
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
