import pytest

from atlas_desktop.media.lipsync import HALF_BLOCK_MS, LEAD_MS, LipSync
from atlas_desktop.session.ports import RoomStatistics
from atlas_desktop.session.sync import Sync
from tests.unit.session.test_vitals import Clock


def test_room_and_speaker_together_say_how_long_a_picture_waits() -> None:
    clock = Clock()
    sync = Sync(LipSync(speaker_ms=20.0), clock)
    sync.take(RoomStatistics(apart_ms=9.0))
    assert sync.lip_sync.hold_us is None
    sync.attach_speaker(lambda: 7.0)
    clock.now = 1_000_000
    sync.take(RoomStatistics(apart_ms=9.0))
    assert sync.figures.hold_ms == pytest.approx(9 + 7 + HALF_BLOCK_MS - LEAD_MS + 20)
    sync.attach_speaker(lambda: 7.0, lambda: 45.0)
    clock.now = 2_000_000
    sync.take(RoomStatistics(apart_ms=9.0))
    assert sync.figures.hold_ms == pytest.approx(9 + 7 + HALF_BLOCK_MS - LEAD_MS + 20 + 45)
    sync.reset()
    assert sync.figures.sound_ms is None
