import asyncio
import errno
import threading
from collections.abc import AsyncIterator, Generator
from pathlib import Path

import pytest

from atlas_desktop.aio import TaskScope
from atlas_desktop.cues.player import CuePlayer
from atlas_desktop.cues.queue import Cue
from atlas_desktop.errors import (
    AppError,
    BugError,
    CutShortError,
    DiskError,
    EmptyAudioError,
    FileFaultError,
    MissingFileError,
    SilentAudioError,
    UnreadableAudioError,
)
from atlas_desktop.media.blocks import ArrayReader
from atlas_desktop.media.probe import ClipInfo
from atlas_desktop.media.speaker import ClipFinished, ClipStarted
from tests.unit.cues.stand_ins import FakeSpeaker, NamedReader, look_at
from tests.unit.media.stand_ins import count_up
from tests.unit.session.fakes import settle as until

A, B, C = Path("a.wav"), Path("b.wav"), Path("c.wav")


@pytest.fixture
def speaker() -> FakeSpeaker:
    return FakeSpeaker()


@pytest.fixture
async def player(speaker: FakeSpeaker) -> AsyncIterator[CuePlayer]:
    errors: list[AppError] = []
    scope = TaskScope("cues", errors.append)
    player = CuePlayer(speaker, scope, open_clip=NamedReader, probe_clip=look_at)
    yield player
    player.close()
    await scope.aclose()
    assert errors == []


async def settle() -> None:
    await asyncio.sleep(0.02)


def states(player: CuePlayer) -> list[str]:
    return [cue.state.value for cue in player.cues]


async def test_cues_wait_until_enabled_then_play_by_themselves(
    player: CuePlayer, speaker: FakeSpeaker
) -> None:
    player.add([A, B])
    assert states(player) == ["waiting", "waiting"]
    assert speaker.log == []
    player.set_enabled(True)
    assert speaker.log == ["play a.wav"]
    assert states(player) == ["playing", "waiting"]


async def test_the_next_is_handed_over_once_the_first_has_begun(
    player: CuePlayer, speaker: FakeSpeaker
) -> None:
    player.set_enabled(True)
    player.add([A, B, C])
    speaker.start()
    await settle()
    assert speaker.log == ["play a.wav", "follow b.wav"]
    speaker.finish()
    await settle()
    assert states(player) == ["done", "playing", "waiting"]
    for _ in range(2):
        speaker.finish()
        await settle()
    assert states(player) == ["done", "done", "done"]
    assert speaker.log == ["play a.wav", "follow b.wav", "follow c.wav"]


async def test_lengths_and_outlines_come_later(player: CuePlayer) -> None:
    seen: list[tuple[Cue, ...]] = []
    player.on_change(seen.append)
    player.add([A])
    await until(lambda: player.cues[0].duration_s is not None, 10.0)
    assert [cues[0].duration_s for cues in seen] == [None, 12.0]
    assert seen[-1][0].peaks == (1, 2, 3)


def stumble(path: Path, stop: threading.Event) -> Generator[ClipInfo, None, None]:
    """A fault of ours over one file, a disk's over another."""
    if path == A:
        raise RuntimeError("nobody expected this")
    if path == B:
        raise OSError(errno.EIO, "Input/output error")
    yield from look_at(path, stop)


@pytest.mark.logs("cues failed")
async def test_a_fault_over_one_file_costs_the_others_of_its_drop_nothing(speaker: FakeSpeaker) -> None:
    errors: list[AppError] = []
    scope = TaskScope("cues", errors.append)
    player = CuePlayer(speaker, scope, open_clip=NamedReader, probe_clip=stumble)
    player.on_error(errors.append)
    player.add([A, B, C])
    await until(lambda: player.cues[2].duration_s is not None, 10.0)
    player.close()
    await scope.aclose()
    assert [type(error) for error in errors] == [FileFaultError, DiskError]
    assert errors[0].params["name"] == A.name
    assert isinstance(errors[0].__cause__, BugError)
    assert states(player) == ["failed", "failed", "waiting"]


async def test_thousands_of_broken_files_are_not_said_one_by_one(
    player: CuePlayer, speaker: FakeSpeaker
) -> None:
    errors: list[AppError] = []
    player.on_error(errors.append)
    many = [Path(f"bad {number}.wav") for number in range(2000)]
    for place in player.reserve(many):
        player.refuse(place, MissingFileError(name="it"))
    for place in player.reserve([A]):
        player.refuse(place, UnreadableAudioError(name="a.wav"))
    await until(lambda: errors, 10.0)
    assert [type(error) for error in errors] == [MissingFileError, UnreadableAudioError]
    assert set(states(player)) == {"missing", "failed"}


async def test_broken_files_are_named_before_their_turn_and_the_rest_go_on(
    player: CuePlayer, speaker: FakeSpeaker
) -> None:
    errors: list[AppError] = []
    player.on_error(errors.append)
    player.set_enabled(True)
    player.add([A, Path("bad.wav"), C])
    speaker.start()
    await settle()
    assert states(player) == ["playing", "failed", "waiting"]
    assert [error.params["name"] for error in errors] == ["bad.wav"]
    assert speaker.log[-1] == "follow c.wav"


async def test_a_file_that_fails_in_its_turn_is_told_once_and_skipped(
    player: CuePlayer, speaker: FakeSpeaker
) -> None:
    errors: list[AppError] = []
    player.on_error(errors.append)
    player.set_enabled(True)
    player.add([A, B])
    speaker.finish(MissingFileError(name="a.wav"))
    await settle()
    assert states(player) == ["missing", "playing"]
    assert isinstance(player.cues[0].error, MissingFileError)
    assert len(errors) == 1
    assert speaker.log == ["play a.wav", "play b.wav"]


async def test_a_hundred_at_once_keep_their_order_and_open_two_files(
    player: CuePlayer, speaker: FakeSpeaker
) -> None:
    player.set_enabled(True)
    ids = player.add([Path(f"{number}.wav") for number in range(100)])
    assert ids == sorted(ids)
    speaker.start()
    await settle()
    assert [cue.name for cue in player.cues] == [f"{number}.wav" for number in range(100)]
    assert speaker.log == ["play 0.wav", "follow 1.wav"]


async def test_pause_and_resume(player: CuePlayer, speaker: FakeSpeaker) -> None:
    player.set_enabled(True)
    player.add([A])
    player.pause()
    assert states(player) == ["paused"]
    player.resume()
    assert states(player) == ["playing"]
    assert speaker.log == ["play a.wav", "pause", "resume"]


async def test_interrupt_holds_the_rest_until_told_to_go_on(player: CuePlayer, speaker: FakeSpeaker) -> None:
    player.set_enabled(True)
    player.add([A, B, C])
    speaker.start()
    await settle()
    player.interrupt()
    assert states(player) == ["done", "paused", "paused"]
    assert speaker.log[-1] == "interrupt"
    player.resume()
    assert states(player) == ["done", "playing", "waiting"]
    assert speaker.log[-1] == "play b.wav"


async def test_a_drop_after_an_interrupt_is_spoken_at_once(player: CuePlayer, speaker: FakeSpeaker) -> None:
    player.set_enabled(True)
    player.add([A, B])
    player.interrupt()
    player.add([C])
    assert states(player) == ["done", "paused", "playing"]


async def test_playing_a_certain_cue_replaces_the_current(player: CuePlayer, speaker: FakeSpeaker) -> None:
    player.set_enabled(True)
    _, _, last = player.add([A, B, C])
    player.play(last)
    assert states(player) == ["done", "waiting", "playing"]
    speaker.start()
    speaker.finish()
    await settle()
    assert states(player) == ["done", "playing", "done"]


@pytest.mark.parametrize("held", [False, True])
async def test_playing_the_current_cue_begins_it_anew(
    player: CuePlayer, speaker: FakeSpeaker, held: bool
) -> None:
    player.set_enabled(True)
    first, _ = player.add([A, B])
    former = speaker.current
    speaker.start()
    if held:
        player.pause()
    player.play(first)
    assert states(player) == ["playing", "waiting"]
    assert speaker.current is not None
    assert speaker.current is not former
    speaker.start()
    speaker.finish()
    await settle()
    assert states(player) == ["done", "playing"]


async def test_a_late_event_of_a_replaced_cue_changes_nothing(
    player: CuePlayer, speaker: FakeSpeaker
) -> None:
    player.set_enabled(True)
    _, second = player.add([A, B])
    former = speaker.current
    assert former is not None
    speaker.start()
    player.play(second)
    speaker.tell(ClipFinished(former))
    await settle()
    assert states(player) == ["done", "playing"]


async def test_next_and_remove_move_on(player: CuePlayer, speaker: FakeSpeaker) -> None:
    player.set_enabled(True)
    _, second, third = player.add([A, B, C])
    player.next()
    assert states(player) == ["done", "playing", "waiting"]
    player.remove(second)
    assert states(player) == ["done", "playing"]
    player.remove(third)
    assert states(player) == ["done"]
    assert speaker.log[-1] == "interrupt"


async def test_removing_what_would_follow_plans_anew(player: CuePlayer, speaker: FakeSpeaker) -> None:
    player.set_enabled(True)
    _, second, third = player.add([A, B, C])
    speaker.start()
    await settle()
    player.remove(second)
    player.remove(third)
    assert speaker.log[-2:] == ["follow c.wav", "follow nothing"]


async def test_the_end_of_a_session_keeps_the_cue_for_the_next(
    player: CuePlayer, speaker: FakeSpeaker
) -> None:
    player.set_enabled(True)
    player.add([A, B])
    player.set_enabled(False)
    assert states(player) == ["waiting", "waiting"]
    assert speaker.log[-1] == "interrupt"
    player.set_enabled(True)
    assert states(player) == ["playing", "waiting"]


async def test_somebody_elses_clip_ends_ours_and_the_rest_follow_it(
    player: CuePlayer, speaker: FakeSpeaker
) -> None:
    player.set_enabled(True)
    player.add([A, B])
    other = ArrayReader(count_up(480))
    speaker.tell(ClipStarted(other, 1))
    await settle()
    assert states(player) == ["done", "waiting"]
    speaker.tell(ClipFinished(other))
    await settle()
    assert states(player) == ["done", "playing"]


async def test_a_done_cue_can_be_played_again(player: CuePlayer, speaker: FakeSpeaker) -> None:
    player.set_enabled(True)
    first, _ = player.add([A, Path("bad.wav")])
    await settle()
    speaker.finish()
    await settle()
    assert states(player) == ["done", "failed"]
    player.play(first)
    assert states(player) == ["playing", "failed"]


async def test_the_position_is_published_while_it_plays(player: CuePlayer, speaker: FakeSpeaker) -> None:
    player.set_enabled(True)
    player.add([A])
    speaker.position_s = 3.5
    await asyncio.sleep(0.3)
    assert player.cues[0].position_s == 3.5
    current = player.current
    assert current is not None
    assert current.name == "a.wav"


async def test_an_error_keeps_its_cause(player: CuePlayer) -> None:
    player.add([Path("bad.wav")])
    await until(lambda: player.cues[0].error is not None, 10.0)
    assert isinstance(player.cues[0].error, UnreadableAudioError)


async def test_seek_moves_the_current_cue_and_shows_it_at_once(
    player: CuePlayer, speaker: FakeSpeaker
) -> None:
    player.seek(1.0)
    player.set_enabled(True)
    player.add([A, B])
    player.seek(3.0)
    assert [cue.position_s for cue in player.cues] == [3.0, 0.0]
    player.pause()
    player.seek(-5.0)
    assert (player.cues[0].position_s, player.cues[0].is_current) == (0.0, True)
    assert states(player) == ["paused", "waiting"]
    assert speaker.log == ["play a.wav", "seek 3.0", "pause", "seek 0.0"]


async def test_one_cue_is_current(player: CuePlayer, speaker: FakeSpeaker) -> None:
    player.set_enabled(True)
    player.add([A, B])
    assert [cue.is_current for cue in player.cues] == [True, False]
    speaker.start()
    await settle()
    speaker.finish()
    await settle()
    assert [cue.is_current for cue in player.cues] == [False, True]
    player.interrupt()
    assert not any(cue.is_current for cue in player.cues)


async def test_what_the_probe_found_of_the_loudness_is_used(player: CuePlayer, speaker: FakeSpeaker) -> None:
    first, _ = player.add([A, B])
    await until(lambda: player.cues[1].duration_s is not None, 10.0)
    player.set_enabled(True)
    assert isinstance(speaker.current, NamedReader)
    assert (speaker.current.match_loudness, speaker.current.loudness_lufs) == (True, -20.0)
    assert player.cues[0].id == first


async def test_loudness_is_off_from_the_next_cue_on(player: CuePlayer, speaker: FakeSpeaker) -> None:
    player.set_enabled(True)
    player.add([A, B])
    speaker.start()
    await settle()
    player.set_match_loudness(False)
    player.set_match_loudness(False)
    assert speaker.log == ["play a.wav", "follow b.wav", "follow b.wav"]
    assert isinstance(speaker.current, NamedReader)
    assert isinstance(speaker.following, NamedReader)
    assert (speaker.current.match_loudness, speaker.following.match_loudness) == (True, False)


async def test_a_cue_that_nobody_can_hear_waits_and_goes_on_by_itself(
    player: CuePlayer, speaker: FakeSpeaker
) -> None:
    player.set_enabled(True)
    player.add([A, B])
    speaker.start()
    speaker.position_s = 2.5
    speaker.hold(True)
    await settle()
    assert states(player) == ["paused", "waiting"]
    assert player.cues[0].position_s == 2.5
    speaker.hold(False)
    await settle()
    assert states(player) == ["playing", "waiting"]


async def test_a_cue_held_and_played_shows_that_it_is_still_held(
    player: CuePlayer, speaker: FakeSpeaker
) -> None:
    player.set_enabled(True)
    player.add([A])
    speaker.start()
    speaker.hold(True)
    await settle()
    player.play()
    assert states(player) == ["paused"]
    player.pause()
    speaker.hold(False)
    await settle()
    assert states(player) == ["paused"]
    player.play()
    assert states(player) == ["playing"]


async def test_a_cue_that_was_spoken_before_it_was_looked_at_gets_its_length_all_the_same(
    speaker: FakeSpeaker,
) -> None:
    spoken = threading.Event()

    def late(path: Path, stop: threading.Event) -> Generator[ClipInfo, None, None]:
        assert spoken.wait(10)
        yield from look_at(path, stop)

    scope = TaskScope("cues")
    player = CuePlayer(speaker, scope, open_clip=NamedReader, probe_clip=late)
    player.set_enabled(True)
    player.add([A, B, C])
    for _ in range(3):
        speaker.start()
        await settle()
        speaker.finish()
        await settle()
    assert states(player) == ["done", "done", "done"]
    spoken.set()
    await scope.join(10)
    assert [cue.duration_s for cue in player.cues] == [12.0, 12.0, 12.0]
    player.close()


@pytest.mark.parametrize("closes", [False, True])
async def test_looking_at_a_cue_ends_with_it(speaker: FakeSpeaker, *, closes: bool) -> None:
    begun, ended = threading.Event(), threading.Event()

    def endless(path: Path, stop: threading.Event) -> Generator[ClipInfo, None, None]:
        begun.set()
        assert stop.wait(10)
        ended.set()
        yield ClipInfo()
        raise EmptyAudioError(name=path.name)

    errors: list[AppError] = []
    scope = TaskScope("cues", errors.append)
    player = CuePlayer(speaker, scope, open_clip=NamedReader, probe_clip=endless)
    player.on_error(errors.append)
    [cue_id] = player.add([A])
    assert await asyncio.to_thread(begun.wait, 10)
    if closes:
        player.close()
    else:
        player.remove(cue_id)
    assert await asyncio.to_thread(ended.wait, 10)
    await scope.join(10)
    assert errors == []
    if not closes:
        player.close()


async def test_what_is_spoken_or_comes_next_is_opened_by_its_reader_alone(speaker: FakeSpeaker) -> None:
    looked: list[Path] = []

    def look(path: Path, stop: threading.Event) -> Generator[ClipInfo, None, None]:
        looked.append(path)
        yield from look_at(path, stop)

    scope = TaskScope("cues")
    player = CuePlayer(speaker, scope, open_clip=NamedReader, probe_clip=look)
    player.set_enabled(True)
    player.add([A])
    speaker.start()
    player.add([B])
    await until(lambda: speaker.following is not None, 10.0)
    player.add([C])
    for number, reader in enumerate((speaker.current, speaker.following), 1):
        assert isinstance(reader, NamedReader)
        reader.report(ClipInfo(float(number), (1, 2, 3), is_exact=True))
    await until(lambda: all(cue.duration_s is not None for cue in player.cues), 10.0)
    assert [cue.duration_s for cue in player.cues] == [1.0, 2.0, 12.0]
    assert A not in looked
    player.close()
    await scope.aclose()


async def test_a_cue_left_half_spoken_gets_its_length_all_the_same(
    player: CuePlayer, speaker: FakeSpeaker
) -> None:
    player.set_enabled(True)
    player.add([Path("long.mp3")])
    assert isinstance(speaker.current, NamedReader)
    speaker.start()
    speaker.current.report(ClipInfo(45.0))
    await until(lambda: player.cues[0].duration_s == 45.0, 10.0)
    player.next()
    await until(lambda: player.cues[0].duration_s == 180.0, 10.0)
    assert player.cues[0].peaks == (1, 2, 3)


async def test_many_long_clips_are_all_measured(player: CuePlayer) -> None:
    player.add([Path(f"long {number}.mp3") for number in range(50)])
    await until(lambda: all(cue.duration_s == 180.0 for cue in player.cues), 20.0)


async def test_a_length_that_was_taken_on_trust_is_corrected(player: CuePlayer) -> None:
    seen: list[float | None] = []
    player.on_change(lambda cues: seen.append(cues[0].duration_s))
    player.add([Path("long.mp3"), A])
    await until(lambda: seen[-1] == 180.0, 10.0)
    assert [seconds for number, seconds in enumerate(seen) if seconds not in seen[:number]] == [
        None,
        45.0,
        180.0,
    ]
    assert player.cues[1].duration_s == 12.0


async def test_a_cue_removed_while_it_is_measured_is_let_alone(speaker: FakeSpeaker, tmp_path: Path) -> None:
    begun, stopped = threading.Event(), threading.Event()

    def slow(path: Path, stop: threading.Event) -> Generator[ClipInfo, None, None]:
        yield ClipInfo(45.0, (1, 2, 3))
        begun.set()
        assert stop.wait(10)
        stopped.set()

    scope = TaskScope("cues")
    player = CuePlayer(speaker, scope, open_clip=NamedReader, probe_clip=slow)
    first, second = player.add([Path("long 1.mp3"), Path("long 2.mp3")])
    await asyncio.to_thread(begun.wait, 10)
    begun.clear()
    player.remove(first)
    await asyncio.to_thread(stopped.wait, 10)
    await asyncio.to_thread(begun.wait, 10)
    assert [cue.id for cue in player.cues] == [second]
    player.close()
    await scope.aclose()


async def test_what_reading_shows_of_a_clip_is_taken_over(player: CuePlayer, speaker: FakeSpeaker) -> None:
    errors: list[AppError] = []
    player.on_error(errors.append)
    player.set_enabled(True)
    player.add([A])
    await settle()
    speaker.start()
    reader = speaker.current
    assert isinstance(reader, NamedReader)
    remark = CutShortError(name="a.wav")
    reader.report(ClipInfo(7.5, (1, 2, 3), is_exact=True, remark=remark))
    speaker.finish()
    await settle()
    assert (player.cues[0].duration_s, states(player)) == (7.5, ["done"])
    assert errors == [remark]


async def test_a_silent_file_is_said_once_and_spoken(player: CuePlayer, speaker: FakeSpeaker) -> None:
    errors: list[AppError] = []
    player.on_error(errors.append)
    player.set_enabled(True)
    player.add([Path("silent.wav")])
    await settle()
    speaker.start()
    assert isinstance(speaker.current, NamedReader)
    for _ in range(2):
        speaker.current.report(ClipInfo(12.0, (0,), remark=SilentAudioError(name="silent.wav")))
    speaker.finish()
    await settle()
    assert states(player) == ["done"]
    assert [type(error) for error in errors] == [SilentAudioError]
    assert str(errors[0]).startswith("Nothing can be heard in “silent.wav”")


async def test_clips_of_an_earlier_run_come_back_in_order_and_where_they_were(
    player: CuePlayer, speaker: FakeSpeaker
) -> None:
    player.restore([(B, 12.5), (A, 0.0)])
    assert [cue.path for cue in player.cues] == [B, A]
    assert states(player) == ["waiting", "waiting"]
    player.set_enabled(True)
    assert speaker.log == ["play b.wav", "seek 12.5"]
    assert player.cues[0].position_s == 12.5
    # Begun once more it is spoken from its start.
    player.play(player.cues[0].id)
    assert "play b.wav" in speaker.log[2:]
    assert not any("seek" in said for said in speaker.log[2:])
