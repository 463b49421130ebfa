import pytest

from atlas_desktop.session.room.room_statistics import Traffic
from atlas_desktop.session.room_health import IDLE_QUIET_US, QUIET_US, ConnectionMonitor

STEP_US = 250_000


class Line:
    """A room's packets, looked at four times a second."""

    def __init__(self) -> None:
        self.monitor = ConnectionMonitor()
        self.now_us = 1_000_000
        self.packets = 0
        self.media = 0

    def is_broken(self) -> bool:
        return self.monitor.is_broken

    def run(self, seconds: float, *, media: int = 40, checks: int = 1, step_us: int = STEP_US) -> None:
        for _ in range(round(seconds * 1e6 / step_us)):
            self.now_us += step_us
            self.media += media
            self.packets += media + checks
            self.monitor.take(self.now_us, Traffic(self.packets, self.media))


@pytest.fixture
def line() -> Line:
    line = Line()
    line.run(2.0)
    return line


def test_a_network_that_is_gone_is_seen_within_two_seconds(line: Line) -> None:
    line.run(QUIET_US / 1e6 - 0.25, media=0, checks=0)
    assert not line.is_broken()
    line.run(0.25, media=0, checks=0)
    assert line.is_broken()
    line.run(0.25)
    assert not line.is_broken()


def test_an_avatar_that_sends_nothing_is_no_broken_network(line: Line) -> None:
    for _ in range(10):
        line.run(0.25, media=0)
        line.run(1.0, media=0, checks=0)
        assert not line.is_broken()


def test_where_only_checks_come_their_absence_takes_longer_to_tell(line: Line) -> None:
    line.run(1.0, media=0)
    line.run(IDLE_QUIET_US / 1e6 - 0.25, media=0, checks=0)
    assert not line.is_broken()
    line.run(0.25, media=0, checks=0)
    assert line.is_broken()


def test_a_stall_of_our_own_is_no_broken_network(line: Line) -> None:
    line.run(20.0, media=0, checks=0, step_us=20_000_000)
    assert not line.is_broken()


def test_the_break_is_over_when_media_flow_not_with_the_first_check(line: Line) -> None:
    line.run(5.0, media=0, checks=0)
    line.run(1.0, media=0)
    assert line.is_broken()
    line.run(0.25)
    assert not line.is_broken()


def test_a_network_that_is_back_without_any_media_is_whole_after_a_while(line: Line) -> None:
    line.run(5.0, media=0, checks=0)
    for _ in range(2):
        line.run(0.25, media=0)
        line.run(2.25, media=0, checks=0)
        assert line.is_broken()
    line.run(0.25, media=0)
    assert not line.is_broken()


def test_what_livekit_says_counts_too(line: Line) -> None:
    line.monitor.report(False)
    line.run(1.0)
    assert line.is_broken()
    assert not line.monitor.is_quiet
    line.monitor.report(True)
    assert not line.is_broken()


def test_after_livekits_reconnect_packets_have_their_time_to_come(line: Line) -> None:
    line.run(10.0, media=0, checks=0)
    line.monitor.report(False)
    line.monitor.report(True)
    assert not line.is_broken()
    line.run(QUIET_US / 1e6, media=0, checks=0)
    assert line.is_broken()


def test_another_connection_counts_from_zero(line: Line) -> None:
    line.packets = line.media = 0
    line.run(5.0)
    assert not line.is_broken()


def test_the_last_picture_says_when_the_network_went(line: Line) -> None:
    heard_us = line.now_us
    line.run(2.0, media=0, checks=0)
    assert line.monitor.unheard_from_us(heard_us - 60_000) == heard_us - 160_000
    # A picture that had stopped long before says nothing.
    assert line.monitor.unheard_from_us(heard_us - 9_000_000) == heard_us - 100_000
    assert line.monitor.unheard_from_us(None) == heard_us - 100_000
