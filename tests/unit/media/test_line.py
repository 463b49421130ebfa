import numpy as np
import pytest

from atlas_desktop.errors import UnreadableAudioError
from atlas_desktop.media.blocks import ArrayReader, silence
from atlas_desktop.media.line import ClipLine
from atlas_desktop.media.speaker import ClipFailed, ClipFinished, ClipStarted
from tests.unit.media.stand_ins import FakeReader, count_up, tone


class BrokenReader(FakeReader):
    def __init__(self) -> None:
        super().__init__()
        self.ended = True
        self.error = UnreadableAudioError(name="x.wav")


def drain(line: ClipLine, flush: bool = False) -> list[int]:
    out: list[int] = []
    while len(part := line.take(4800, 0, flush)):
        assert len(part) % 480 == 0
        out += part.ravel().tolist()
    return out


@pytest.mark.parametrize(("first", "second"), [(480, 480), (1000, 999), (1, 2000), (4799, 1), (100, 100)])
def test_two_clips_are_joined_sample_by_sample(first: int, second: int) -> None:
    line = ClipLine()
    line.play(ArrayReader(count_up(first)))
    line.follow_with(ArrayReader(count_up(second, start=10_000)))
    got = drain(line) + drain(line, flush=True)
    wanted = count_up(first).tolist() + count_up(second, start=10_000).tolist()
    assert got[: len(wanted)] == wanted
    assert set(got[len(wanted) :]) <= {0}
    assert len(got) - len(wanted) < 480


def test_an_odd_end_waits_for_the_clip_that_follows() -> None:
    line = ClipLine()
    line.play(ArrayReader(count_up(700)))
    assert len(line.take(4800, 0)) == 480
    assert len(line.take(4800, 0)) == 0
    assert line.has_odd_end
    line.follow_with(ArrayReader(count_up(740, start=5000)))
    joined = line.take(4800, 0).ravel().tolist()
    assert joined == count_up(220, start=481).tolist() + count_up(740, start=5000).tolist()


def test_events_come_in_order_with_the_clip_they_mean() -> None:
    line = ClipLine()
    first, second = ArrayReader(count_up(480)), ArrayReader(count_up(480))
    line.play(first)
    line.follow_with(second)
    line.take(4800, 77)
    assert line.current is second
    line.finish()
    assert line.events() == [
        ClipStarted(first, 77),
        ClipFinished(first),
        ClipStarted(second, 77),
        ClipFinished(second),
    ]
    assert line.events() == []


def test_a_broken_clip_is_told_and_the_next_follows() -> None:
    line = ClipLine()
    broken, good = BrokenReader(), ArrayReader(count_up(480))
    line.play(broken)
    line.follow_with(good)
    assert len(line.take(4800, 5)) == 480
    assert line.events() == [ClipFailed(broken, broken.error), ClipStarted(good, 5)]


def test_nothing_of_a_new_clip_is_handed_out_before_the_cut_was_obeyed() -> None:
    line = ClipLine()
    old, new = FakeReader(), FakeReader()
    old.give(1)
    new.give(2)
    line.play(old)
    line.take(480, 0)
    line.play(new)
    assert old.closed
    assert line.cut_wanted
    assert len(line.take(480, 0)) == 0
    line.cut_done(silence())
    assert line.take(480, 0)[0, 0] == 2


def test_after_a_pause_the_unsent_samples_come_again() -> None:
    line = ClipLine()
    line.play(ArrayReader(count_up(1440)))
    taken = line.take(960, 0)
    line.pause()
    assert line.cut_wanted
    line.cut_done(taken[480:])
    assert len(line.take(960, 0)) == 0
    assert line.given_s == pytest.approx(0.01)
    tail = line.take_tail().ravel()
    line.resume()
    again = line.take(960, 0).ravel()
    assert (again[:240] + tail[:240]).tolist() == count_up(240, start=481).tolist()
    assert again[240:].tolist() == count_up(720, start=721).tolist()
    assert again[0] == 0
    assert len(line.take_tail()) == 0


def test_replacing_a_paused_clip_keeps_nothing_of_it() -> None:
    line = ClipLine()
    line.play(ArrayReader(count_up(960)))
    taken = line.take(480, 0)
    line.pause()
    line.play(ArrayReader(np.full(480, 9, np.int16)))
    line.cut_done(taken)
    assert set(line.take(4800, 0).ravel().tolist()) == {9}


def test_stop_closes_both_readers_and_needs_no_cut_when_idle() -> None:
    line = ClipLine()
    line.stop()
    assert not line.cut_wanted
    current, following = FakeReader(), FakeReader()
    line.play(current)
    line.follow_with(following)
    line.stop()
    assert current.closed
    assert following.closed
    assert not line.active


def test_taking_back_what_follows_closes_it() -> None:
    line = ClipLine()
    following = FakeReader()
    line.play(ArrayReader(count_up(480)))
    line.follow_with(following)
    line.follow_with(None)
    assert following.closed
    line.take(4800, 0)
    assert line.exhausted


def test_what_follows_plays_at_once_when_nothing_else_does() -> None:
    line = ClipLine()
    line.follow_with(ArrayReader(count_up(480)))
    assert len(line.take(480, 0)) == 480


@pytest.mark.parametrize("act", ["pause", "seek", "pause and seek", "seek and pause", "seek twice"])
def test_pause_and_seek_make_no_click(act: str) -> None:
    sound = tone(1.0)
    line = ClipLine()
    line.play(ArrayReader(sound))
    taken = line.take(9600, 0)
    if act.startswith("pause"):
        line.pause()
    if "seek" in act:
        line.seek(0.3371)
    if act.endswith("pause"):
        line.pause()
    line.cut_done(taken[4800:])
    tail = line.take_tail()
    if act == "seek twice":
        line.seek(0.7)
        line.cut_done(tail[:0])
    gap = np.concatenate((line.take_tail(), silence(960)))
    line.resume()
    sent = np.concatenate((taken[:4800], tail, gap, line.take(9600, 0))).ravel().astype(int)
    steepest = np.abs(np.diff(sound.astype(int))).max() + sound.max() / 240
    assert np.abs(np.diff(sent)).max() <= steepest + 2
    place = {"pause": 4800, "seek twice": 33_600}.get(act, 16_181)
    assert np.array_equal(sent[-9360:], sound[place + 240 : place + 9600])


def test_two_pauses_at_once_lose_nothing() -> None:
    line = ClipLine()
    line.play(ArrayReader(count_up(1440)))
    taken = line.take(960, 0)
    line.pause()
    line.resume()
    line.pause()
    line.cut_done(taken[480:])
    line.resume()
    assert line.given_s == pytest.approx(0.01)
    assert line.take(960, 0)[240:].ravel().tolist() == count_up(720, start=721).tolist()


def test_a_pause_right_after_another_clip_brings_nothing_of_the_former_back() -> None:
    line = ClipLine()
    line.play(ArrayReader(count_up(960)))
    taken = line.take(960, 0)
    line.play(ArrayReader(count_up(960, start=5000)))
    line.pause()
    line.cut_done(taken)
    line.resume()
    assert line.take(960, 0)[240:].ravel().tolist() == count_up(720, start=5240).tolist()
