import pytest

from atlas_desktop.session.room_health import AVATAR_GONE_S, GIVE_UP_S, AvatarMonitor


class Room:
    """A room looked at four times a second."""

    def __init__(self) -> None:
        self.monitor = AvatarMonitor()
        self.now_s = 50.0

    def asks(self) -> bool:
        return self.monitor.is_gone

    def gives_up(self) -> bool:
        return self.monitor.is_given_up

    def run(self, seconds: float, *, present: bool = False, connected: bool = True) -> None:
        for _ in range(round(seconds * 4)):
            self.now_s += 0.25
            self.monitor.update(self.now_s, connected=connected, present=present)


@pytest.fixture
def room() -> Room:
    room = Room()
    room.run(5, present=True)
    return room


def test_the_user_is_asked_after_20_s_and_the_session_given_up_after_60(room: Room) -> None:
    room.run(AVATAR_GONE_S - 0.25)
    assert not room.asks()
    room.run(0.25)
    assert room.asks()
    room.run(GIVE_UP_S - AVATAR_GONE_S - 0.25)
    assert not room.gives_up()
    room.run(0.25)
    assert room.gives_up()


def test_who_waits_is_asked_again_20_s_later(room: Room) -> None:
    room.run(55)
    room.monitor.keep_waiting()
    assert not room.asks()
    room.run(59)
    assert room.asks()
    assert not room.gives_up()


def test_an_avatar_that_comes_back_starts_the_time_from_zero(room: Room) -> None:
    room.run(59)
    room.run(0.25, present=True)
    assert room.monitor.gone_s == 0.0
    room.run(19)
    assert not room.asks()


def test_while_the_connection_is_broken_the_time_stands(room: Room) -> None:
    room.run(10)
    room.run(100, connected=False)
    assert room.monitor.gone_s == 10.0
    room.run(9)
    assert not room.asks()


def test_a_stall_of_our_own_is_not_the_avatars(room: Room) -> None:
    room.now_s += 300
    room.run(0.25)
    assert not room.asks()
