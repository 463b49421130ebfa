from dataclasses import dataclass

import pytest

from atlas_desktop.session.cost import CostMeter
from atlas_desktop.session.newest import Newest
from atlas_desktop.session.vitals import Vitals


@dataclass
class Flow:
    last_frame_us: int | None = None
    last_sound_us: int | None = None


class Clock:
    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


def test_a_picture_is_frozen_after_a_second_and_a_half() -> None:
    flow, clock = Flow(), Clock()
    vitals = Vitals(flow, flow, clock)
    assert not vitals.frozen
    flow.last_frame_us = 0
    clock.now = 1_500_000
    assert not vitals.frozen
    clock.now += 1
    assert vitals.frozen


def test_the_agents_state_is_its_own_word_else_what_is_heard() -> None:
    flow, clock = Flow(), Clock()
    vitals = Vitals(flow, flow, clock)
    assert vitals.agent_state == "listening"
    flow.last_sound_us = 0
    clock.now = 100_000
    assert vitals.agent_state == "speaking"
    assert vitals.state("thinking")
    assert vitals.agent_state == "thinking"
    assert not vitals.state("thinking")
    assert vitals.state("dancing")  # not a state: what is heard counts again
    assert vitals.agent_state == "speaking"
    clock.now = 500_000
    assert vitals.agent_state == "listening"


def test_the_meter_counts_from_the_grant_to_the_end() -> None:
    now_s = 100.0
    meter = CostMeter(7.2, lambda: now_s)
    assert (meter.elapsed_s, meter.cost_usd) == (0.0, 0.0)
    meter.start()
    now_s = 150.0
    assert meter.elapsed_s == 50.0
    assert meter.cost_usd == pytest.approx(0.1)
    meter.stop()
    now_s = 999.0
    meter.stop()
    assert meter.elapsed_s == 50.0
    assert CostMeter(None).cost_usd is None


@dataclass
class FakeStream:
    track: str
    failed: bool = False


def test_a_stream_that_failed_is_opened_anew_a_few_times() -> None:
    opened: list[FakeStream] = []

    def open_stream(track: str) -> FakeStream:
        opened.append(FakeStream(track))
        return opened[-1]

    newest = Newest(open_stream, lambda stream: None, lambda present: None)
    newest.mend()
    newest.add("a", "track a")
    newest.mend()
    assert len(opened) == 1
    for _ in range(9):
        opened[-1].failed = True
        newest.mend()
    assert [stream.track for stream in opened] == ["track a"] * 4
    newest.add("b", "track b")
    opened[-1].failed = True
    newest.mend()
    assert len(opened) == 6


def test_the_newest_track_is_open_and_the_one_before_comes_back() -> None:
    opened: list[str] = []
    closed: list[str] = []
    present: list[bool] = []

    def open_stream(track: str) -> FakeStream:
        opened.append(track)
        return FakeStream(track)

    newest = Newest(open_stream, lambda stream: closed.append(stream.track), present.append)
    newest.add("a", "track a")
    newest.add("b", "track b")
    newest.remove("unknown")
    newest.remove("b")
    newest.add("a", "track a anew")
    newest.clear()
    assert opened == ["track a", "track b", "track a", "track a anew"]
    assert closed == opened
    assert present == [True, False]
