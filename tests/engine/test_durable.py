"""How many replicas must confirm what is written, where a server cannot tell right now."""

from __future__ import annotations

from typing import Any

import pytest
from redis import exceptions as rx

from jobs_core.engine.durable import read_replicas
from jobs_core.engine.keys import Keys


class Answering:
    """A connection with prepared replies."""

    def __init__(self, *replies: Any) -> None:
        self.replies = list(replies)

    def pack_commands(self, words: list[Any]) -> list[Any]:
        return words

    def send_packed_command(self, words: list[Any]) -> None:
        assert len(words) == len(self.replies)

    def read_response(self) -> Any:
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply


BOARDS = Keys("a"), Keys("b")


def test_a_board_without_the_setting_is_not_durable() -> None:
    assert read_replicas(Answering("2", None), *BOARDS) == [2, 0]


@pytest.mark.parametrize("error", [rx.MovedError("1 a:1"), rx.AskError("1 a:1"), rx.TryAgainError("later")])
def test_a_slot_on_its_way_leaves_open_whether_its_board_is_durable(error: Exception) -> None:
    assert read_replicas(Answering(error, "1"), *BOARDS) == [None, 1]


@pytest.mark.parametrize("error", [rx.ClusterDownError("down"), rx.BusyLoadingError("loading")])
def test_a_server_that_cannot_answer_now_is_not_taken_for_one_without_the_setting(error: Exception) -> None:
    with pytest.raises(type(error)):
        read_replicas(Answering(error, "1"), *BOARDS)
