from dataclasses import dataclass
from typing import Any

from atlas_desktop.session.room.active_track import ActiveTrack


@dataclass
class FakeStream:
    track: str
    failed: bool = False
    closed: bool = False

    def close(self) -> None:
        self.closed = True


def test_a_stream_that_failed_is_opened_anew_a_few_times() -> None:
    opened: list[FakeStream] = []

    def open_stream(track: str) -> Any:
        opened.append(FakeStream(track))
        return opened[-1]

    active = ActiveTrack(open_stream, lambda present: None)
    active.reopen_failed()
    active.add("a", "track a")
    active.reopen_failed()
    assert len(opened) == 1
    for _ in range(9):
        opened[-1].failed = True
        active.reopen_failed()
    assert [stream.track for stream in opened] == ["track a"] * 4
    active.add("b", "track b")
    opened[-1].failed = True
    active.reopen_failed()
    assert len(opened) == 6


def test_the_newest_track_is_open_and_the_one_before_comes_back() -> None:
    opened: list[FakeStream] = []
    present: list[bool] = []

    def open_stream(track: str) -> Any:
        assert all(stream.closed for stream in opened)
        opened.append(FakeStream(track))
        return opened[-1]

    active = ActiveTrack(open_stream, present.append)
    active.add("a", "track a")
    active.add("b", "track b")
    active.remove("unknown")
    active.remove("b")
    active.add("a", "track a anew")
    active.clear()
    assert [stream.track for stream in opened] == ["track a", "track b", "track a", "track a anew"]
    assert all(stream.closed for stream in opened)
    assert present == [True, False]
