"""Circuits: when they open, which task probes the target, and when they close. Times are injected."""

from __future__ import annotations

from jobs_breaker.circuits import Circuit, Circuits

from jobs_core import Board

T = 1_763_900_000.0
NAME = "http example.com"


def circuits(board: Board) -> Circuits:
    return Circuits(board, failures=3, pause=30)


def broken(board: Board) -> Circuits:
    """A circuit that opened at T."""
    found = circuits(board)
    for number in range(3):
        assert found.enter(NAME, f"t{number}", now=T) == 0
    assert [found.record(NAME, f"t{number}", False, now=T) for number in range(3)] == [False, False, True]
    return found


def state(found: Circuits, now: float) -> tuple[str, int]:
    (circuit,) = found.all(now=now)
    return circuit.state, circuit.failures


def test_a_healthy_target_has_no_circuit(board: Board) -> None:
    found = circuits(board)
    assert found.enter(NAME, "t", now=T) == 0
    assert found.record(NAME, "t", True, now=T) is False
    assert list(found.all(now=T)) == []


def test_consecutive_failures_open_the_circuit_for_a_while(board: Board) -> None:
    found = broken(board)
    assert found.enter(NAME, "x", now=T + 10) == 20
    assert list(found.all(now=T + 10)) == [Circuit(NAME, "open", 3, T + 30)]
    assert found.enter("http elsewhere.example", "x", now=T + 10) == 0


def test_a_success_resets_the_failure_count(board: Board) -> None:
    found = circuits(board)
    for ok in (False, False, True, False, False):
        assert found.record(NAME, "t", ok, now=T) is False
    assert state(found, T) == ("closed", 2)
    assert found.enter(NAME, "t", now=T) == 0


def test_one_task_probes_the_target_after_the_pause(board: Board) -> None:
    found = broken(board)
    assert state(found, T + 30) == ("half-open", 3)
    assert found.enter(NAME, "trial", now=T + 30) == 0
    assert found.enter(NAME, "other", now=T + 31) == 29
    assert state(found, T + 31) == ("trying", 3)


def test_a_successful_probe_closes_the_circuit(board: Board) -> None:
    found = broken(board)
    found.enter(NAME, "trial", now=T + 30)
    assert found.record(NAME, "trial", True, now=T + 35) is False
    assert found.enter(NAME, "other", now=T + 35) == 0
    assert list(found.all(now=T + 35)) == []


def test_a_failed_probe_reopens_the_circuit(board: Board) -> None:
    found = broken(board)
    found.enter(NAME, "trial", now=T + 30)
    assert found.record(NAME, "trial", False, now=T + 35) is True
    assert found.enter(NAME, "other", now=T + 36) == 29
    assert found.enter(NAME, "other", now=T + 65) == 0


def test_a_lost_probe_is_replaced_by_another(board: Board) -> None:
    found = broken(board)
    found.enter(NAME, "trial", now=T + 30)
    assert found.enter(NAME, "second", now=T + 60) == 0
    assert found.record(NAME, "trial", False, now=T + 61) is False  # it is no longer the probe
    assert found.enter(NAME, "third", now=T + 61) == 29


def test_a_failure_from_before_it_opened_changes_nothing(board: Board) -> None:
    found = broken(board)
    assert found.record(NAME, "slow", False, now=T + 20) is False
    assert list(found.all(now=T + 20)) == [Circuit(NAME, "open", 3, T + 30)]


def test_a_circuit_can_be_closed_by_hand(board: Board) -> None:
    found = broken(board)
    assert found.close(NAME) is True
    assert found.enter(NAME, "x", now=T + 1) == 0
    assert found.close(NAME) is False


def test_an_idle_circuit_expires(board: Board) -> None:
    broken(board)
    (key,) = board.client.scan_iter("*breaker*")
    assert 86_400_000 < board.client.pttl(key) <= 86_430_000


def test_circuits_are_per_board(board: Board) -> None:
    broken(board)
    other = Board("other", client=board.client)
    assert circuits(other).enter(NAME, "x", now=T) == 0
    assert list(circuits(other).all(now=T)) == []
