import pytest

from atlas_desktop.media.gate import MicrophoneGate
from tests.unit.media.stand_ins import FakeReader


@pytest.fixture
def microphone() -> FakeReader:
    return FakeReader()


@pytest.fixture
def gate(microphone: FakeReader) -> MicrophoneGate:
    gate = MicrophoneGate()
    gate.set_reader(microphone)
    return gate


def test_the_first_blocks_come_behind_a_cushion(gate: MicrophoneGate, microphone: FakeReader) -> None:
    microphone.give(5, 6)
    assert gate.read(0, 0)[::480, 0].tolist() == [0, 5, 6]
    microphone.give(7)
    assert gate.read(20_000, 20_000)[::480, 0].tolist() == [7]


def test_silence_of_the_device_sends_nothing(gate: MicrophoneGate) -> None:
    assert len(gate.read(0, 0)) == 0


def test_a_stall_is_cut(gate: MicrophoneGate, microphone: FakeReader) -> None:
    microphone.give(*range(1, 21))
    assert gate.read(10_000, 0)[::480, 0].tolist() == [18, 19, 20]
    assert gate.dropped_blocks == 17


def test_a_full_queue_takes_nothing_more(gate: MicrophoneGate, microphone: FakeReader) -> None:
    microphone.give(1, 2)
    assert len(gate.read(75_000, 0)) == 0
    assert gate.dropped_blocks == 2


def test_a_pre_roll_may_wait_longer_and_comes_without_loss(gate: MicrophoneGate) -> None:
    talk = FakeReader(preroll_ms=150)
    gate.set_reader(talk)
    talk.give(*range(1, 16))
    assert gate.read(0, 0)[::480, 0].tolist() == [0, *range(1, 16)]
    talk.give(16, 17)
    assert gate.read(150_000, 20_000)[::480, 0].tolist() == [16, 17]
    assert gate.dropped_blocks == 0


def test_what_waits_without_need_goes_in_the_next_pause(gate: MicrophoneGate, microphone: FakeReader) -> None:
    loud, quiet = 3_000, 5
    for read in range(70):
        microphone.give(loud)
        assert len(gate.read(30_000, read * 10_000)) == 480
    sent = []
    for read in range(70, 80):
        microphone.give(quiet)
        sent.append(len(gate.read(30_000 - 10_000 * gate.shortened_blocks, read * 10_000)))
    # From 30 ms to 10, in two steps: 5 are needed.
    assert sent == [0, 0] + [480] * 8
    assert gate.dropped_blocks == 0


def test_closed_during_a_clip_and_200_ms_after_it(gate: MicrophoneGate, microphone: FakeReader) -> None:
    microphone.give(1)
    gate.clip_plays(1_000_000)
    assert microphone.ready == []
    microphone.give(2)
    assert len(gate.read(0, 1_199_000)) == 0
    assert not gate.is_open(False, 1_199_000)
    microphone.give(3)
    assert gate.read(0, 1_200_000)[-1, 0] == 3
    assert gate.is_open(False, 1_200_000)
    assert not gate.is_open(True, 1_200_000)


def test_replacing_the_microphone_closes_the_former(gate: MicrophoneGate, microphone: FakeReader) -> None:
    gate.set_reader(microphone)
    microphone.give(1)
    assert len(gate.read(0, 0))
    gate.set_reader(None)
    assert microphone.closed
    assert not gate.has_reader
