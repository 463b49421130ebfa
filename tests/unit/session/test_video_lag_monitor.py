import pytest

from atlas_desktop.session.room.room_statistics import Buffers
from atlas_desktop.session.room_health import (
    AFTER_BREAK_US,
    FROZEN_US,
    LAGGING_READINGS,
    SETTLE_US,
    VideoLagMonitor,
)

SECOND_US = 1_000_000


class Room:
    """Tracks looked at once a second, each held for so long."""

    def __init__(self) -> None:
        self.monitor = VideoLagMonitor()
        self.now_us = 0
        self.buffers = Buffers(0.0, 0, 0.0, 0)

    def run(self, seconds: int, picture_s: float, sound_s: float = 0.05) -> int:
        """How often the picture was to be fetched anew."""
        fetched = 0
        for _ in range(seconds):
            self.now_us += SECOND_US
            known = self.buffers
            self.buffers = Buffers(
                known.picture_s + 25 * picture_s,
                known.pictures + 25,
                known.sound_s + 48_000 * sound_s,
                known.samples + 48_000,
            )
            fetched += self.monitor.take(self.now_us, self.buffers)
        return fetched


@pytest.fixture
def room() -> Room:
    room = Room()
    room.run(3, 0.05)
    room.monitor.note_break(room.now_us)
    return room


def test_a_picture_that_trails_after_a_break_is_fetched_anew_once(room: Room) -> None:
    assert room.run(LAGGING_READINGS, 2.5) == 0
    assert room.run(1, 2.5) == 1
    assert room.run(SETTLE_US // SECOND_US, 0.05) == 0


def test_one_that_trails_all_the_same_is_fetched_again_later(room: Room) -> None:
    assert room.run(LAGGING_READINGS + 1, 2.5) == 1
    assert room.run(SETTLE_US // SECOND_US, 2.5) == 0
    assert room.run(LAGGING_READINGS, 2.5) == 1


def test_a_picture_that_waits_for_its_late_sound_does_not_trail(room: Room) -> None:
    assert room.run(30, 2.5, sound_s=2.4) == 0


def test_a_moment_is_no_trail(room: Room) -> None:
    for _ in range(10):
        assert room.run(LAGGING_READINGS - 1, 2.5) == 0
        assert room.run(1, 0.05) == 0


def test_without_a_break_and_long_after_it_nothing_is_done(room: Room) -> None:
    room.run(AFTER_BREAK_US // SECOND_US, 0.05)
    assert room.run(10, 2.5) == 0
    other = Room()
    assert other.run(10, 2.5) == 0


def test_where_nothing_flows_nothing_is_known(room: Room) -> None:
    for _ in range(10):
        room.now_us += SECOND_US
        assert not room.monitor.take(room.now_us, room.buffers)


def test_a_picture_that_does_not_come_back_with_the_connection_is_fetched_once(room: Room) -> None:
    last_us = room.now_us
    room.monitor.note_back(room.now_us)
    assert not room.monitor.is_frozen(room.now_us + FROZEN_US - 1, last_us)
    assert room.monitor.is_frozen(room.now_us + FROZEN_US, last_us)
    assert not room.monitor.is_frozen(room.now_us + 9 * FROZEN_US, last_us)


def test_a_picture_that_is_back_does_not_stand(room: Room) -> None:
    room.monitor.note_back(room.now_us)
    assert not room.monitor.is_frozen(room.now_us + 9 * FROZEN_US, room.now_us + 1)
    assert not room.monitor.is_frozen(room.now_us + 99 * FROZEN_US, room.now_us + 1)
