"""Signatures, compared with the published example and an independent computation."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from jobs_http.signing import keys, sign

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_published_example() -> None:
    signature = sign(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_two_secrets_make_two_signatures() -> None:
    other = "whsec_AAECAwQFBgcICQoLDA0ODw=="
    both = sign(f"{SECRET} {other}", "a@1", 5, b"x").split()
    assert both == [sign(SECRET, "a@1", 5, b"x"), sign(other, "a@1", 5, b"x")]


@pytest.mark.parametrize("secret", ["", "whsec_", "s3cret!", "whsec_MfKQ s3cret!", "whsec_é"])
def test_invalid_secrets_are_rejected(secret: str) -> None:
    with pytest.raises(ValueError) as error:
        keys(secret)
    assert "s3cret" not in str(error.value)


def test_a_request_is_signed(drive: Any, target: Any) -> None:
    import base64
    import hashlib
    import hmac

    drive({"url": target.url(), "json": {"a": 1}, "secret": SECRET})
    (seen,) = target.seen
    assert seen.headers["webhook-id"] == "a@1763900005000"
    signed = b"a@1763900005000." + seen.headers["webhook-timestamp"].encode() + b'.{"a": 1}'
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert seen.headers["webhook-signature"] == f"v1,{expected}"


def test_the_workers_secret_is_the_default(drive: Any, target: Any) -> None:
    drive.settings["http_secret"] = SECRET
    drive(target.url())
    assert target.seen[0].headers["webhook-signature"].startswith("v1,")


def test_a_secret_may_be_in_the_environment(drive: Any, target: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBS_SECRET_HOOK", SECRET)
    drive({"url": target.url(), "secret": {"env": "JOBS_SECRET_HOOK"}})
    assert target.seen[0].headers["webhook-signature"].startswith("v1,")


def test_an_invalid_worker_secret_is_reported_but_not_shown(drive: Any, target: Any) -> None:
    drive.settings["http_secret"] = "s3cret!"
    outcome = drive(target.url())
    assert (outcome.code, outcome.note) == ("settings", "http_secret: expected whsec_ followed by base64")
    assert target.seen == []


def test_importing_the_plugin_is_light() -> None:
    script = "import sys, jobs_http; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "jobs_http" in loaded
    assert {"requests", "urllib3", "redis", "click", "fastjsonschema", "ssl"}.isdisjoint(loaded)
