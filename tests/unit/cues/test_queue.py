from pathlib import Path

from atlas_desktop.cues.queue import CueQueue, CueState
from atlas_desktop.errors import EmptyAudioError, MissingFileError

PATHS = [Path("a.wav"), Path("b.wav"), Path("c.wav")]


def test_ids_are_never_used_twice() -> None:
    queue = CueQueue()
    first = queue.add(PATHS)
    queue.remove(first[2])
    assert queue.add(PATHS[:1])[0] not in first


def test_what_comes_after_wraps_round_to_the_front() -> None:
    queue = CueQueue()
    first, second, third = queue.add(PATHS)
    following = queue.next_after(second, CueState.WAITING)
    assert following is not None
    assert following.id == third
    queue.change(third, state=CueState.DONE)
    following = queue.next_after(second, CueState.WAITING)
    assert following is not None
    assert following.id == first
    queue.change(first, state=CueState.DONE)
    assert queue.next_after(second, CueState.WAITING) is None


def test_a_missing_file_is_told_from_a_broken_one() -> None:
    queue = CueQueue()
    first, second, _ = queue.add(PATHS)
    queue.fail(first, MissingFileError(name="a.wav"))
    queue.fail(second, EmptyAudioError(name="b.wav"))
    assert [cue.state.value for cue in queue] == ["missing", "failed", "waiting"]
    assert [cue.state.is_over for cue in queue] == [True, True, False]


def test_a_cue_that_is_gone_is_not_brought_back() -> None:
    queue = CueQueue()
    (only,) = queue.add(PATHS[:1])
    queue.remove(only)
    queue.change(only, state=CueState.PLAYING)
    assert list(queue) == []
    assert queue.get(only) is None
    assert queue.get(None) is None
