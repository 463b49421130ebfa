from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from atlas_desktop.media.playout import Gate
from atlas_desktop.sound_client.memory import PROCESS, SPEAKER, PlayoutState, SoundCounters, SoundMemory
from atlas_desktop.sound_client.playout_client import PlayoutClient


@pytest.fixture
def memory() -> Iterator[SoundMemory]:
    with ExitStack() as stack:
        made = SoundMemory.create()
        stack.callback(made.shared.close)
        yield made


@pytest.fixture
def sent() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def playout(memory: SoundMemory, sent: list[dict[str, Any]]) -> PlayoutClient:
    return PlayoutClient(memory, sent.append)


def test_what_is_set_is_ordered_and_kept(playout: PlayoutClient, sent: list[dict[str, Any]]) -> None:
    playout.volume, playout.muted, playout.quiet = 130, True, True
    assert [(order["name"], order["value"]) for order in sent] == [
        ("volume", 100),
        ("muted", True),
        ("quiet", True),
    ]
    assert (playout.volume, playout.muted, playout.quiet) == (100, True, True)


def test_the_gate_is_closed_from_the_order_on_until_the_process_says_otherwise(
    playout: PlayoutClient, memory: SoundMemory
) -> None:
    closed = [playout.closed]
    playout.close()
    closed.append(playout.closed)
    memory.publish(SoundCounters(), PlayoutState(1, Gate.CLOSED, sounding=True, is_heard=False))
    closed.append(playout.closed)
    assert (playout.sounding, playout.is_heard) == (True, False)
    memory.publish(SoundCounters(), PlayoutState(1, Gate.OPEN, sounding=False, is_heard=False))
    closed.append(playout.closed)
    assert closed == [False, True, True, False]


def test_a_process_that_is_new_is_told_all(playout: PlayoutClient) -> None:
    playout.volume = 35
    playout.hold()
    told = list(playout.replay())
    assert {"do": "set", "name": "volume", "value": 35} in told
    assert told[-1] == {"do": "gate", "gate": "HELD"}
    playout.open()
    assert all(order["do"] == "set" for order in playout.replay())


def test_counters_go_through_the_memory(memory: SoundMemory) -> None:
    counters = SoundCounters(underruns=3, writes=2**40, level_ms=8.25, server_ms=-5.0)
    memory.publish(counters, PlayoutState(0, Gate.RELEASED, sounding=False, is_heard=True))
    assert memory.counters == counters
    assert memory.playout.gate is Gate.RELEASED


def test_a_sign_of_life_that_is_not_expected_is_not_missed(memory: SoundMemory) -> None:
    assert memory.silent_s(SPEAKER) == 0.0
    memory.beat(SPEAKER)
    assert 0.0 < memory.silent_s(SPEAKER) < 60.0
    assert memory.silent_s(PROCESS) == 0.0
    memory.stop_beating(SPEAKER)
    assert memory.silent_s(SPEAKER) == 0.0
