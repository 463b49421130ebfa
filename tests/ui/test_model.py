"""The one Qt model between a session and the window: intents go in, signals and notices come out."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from atlas_desktop.api.source import EndReceipt, Mode
from atlas_desktop.cues.queue import CueState
from atlas_desktop.errors import RoomLostError
from atlas_desktop.session.state import Ended, Failed
from atlas_desktop.session.transcript import Message
from atlas_desktop.storage.transcripts import read_journal
from tests.ui.model_bench import (
    KEY,
    FakeMicrophone,
    Make,
    ModelBench,
    drop,
    go_live,
    make_files,
    states,
)
from tests.unit.session.fakes import settle

# The mode


async def test_the_mode_changes_at_once_without_a_session_and_is_remembered(make_model: Make) -> None:
    bench = make_model()
    modes: list[Mode] = []
    bench.model.mode_changed.connect(modes.append)
    bench.model.set_mode(Mode.PASSTHROUGH)
    assert modes == [bench.model.mode] == [Mode.PASSTHROUGH]
    assert bench.settings.settings.mode is Mode.PASSTHROUGH
    assert bench.raised == []


async def test_a_paid_session_asks_once_before_it_is_switched(keyed: ModelBench) -> None:
    await go_live(keyed)
    modes: list[Mode] = []
    keyed.model.mode_changed.connect(modes.append)
    keyed.model.set_mode(Mode.PASSTHROUGH)
    # The radio button goes back to what is true.
    assert modes == [Mode.CONVERSATION]
    assert "per hour" in keyed.notices["switch_mode"].advice
    assert keyed.model.snapshot.is_live
    keyed.press("switch_mode")
    await settle(lambda: keyed.atlas.modes == [Mode.CONVERSATION, Mode.PASSTHROUGH])
    await keyed.live()
    assert keyed.model.mode is Mode.PASSTHROUGH
    assert keyed.raised == ["switch_mode"]
    assert len(keyed.atlas.open_sessions) == 1


async def test_choosing_the_mode_that_runs_takes_the_question_back(keyed: ModelBench) -> None:
    await go_live(keyed)
    keyed.model.set_mode(Mode.PASSTHROUGH)
    keyed.model.set_mode(Mode.CONVERSATION)
    assert keyed.notices == {}


async def test_the_question_goes_with_its_session(keyed: ModelBench) -> None:
    await go_live(keyed)
    keyed.model.set_mode(Mode.PASSTHROUGH)
    keyed.model.end()
    await keyed.over()
    assert keyed.notices == {}


async def test_a_rehearsal_is_switched_at_once(make_model: Make) -> None:
    bench = make_model()
    bench.model.rehearse()
    await bench.live()
    bench.model.set_mode(Mode.PASSTHROUGH)
    await settle(lambda: bench.rehearsal.atlas.modes == [Mode.CONVERSATION, Mode.PASSTHROUGH])
    await bench.live()
    assert bench.raised == []


async def test_the_microphone_wish_holds_for_a_switch_to_conversation(make_model: Make) -> None:
    bench = make_model()
    bench.session.attach_microphone(FakeMicrophone)
    bench.model.change_settings(microphone_on_connect=True)
    bench.model.set_mode(Mode.PASSTHROUGH)
    bench.model.rehearse()
    await bench.live()
    assert not bench.model.snapshot.microphone_wanted
    bench.model.set_mode(Mode.CONVERSATION)
    await settle(lambda: len(bench.rehearsal.atlas.modes) == 2)
    await bench.live()
    assert bench.model.snapshot.microphone_wanted


# Sound


async def test_an_avatar_that_speaks_unheard_is_told_and_one_button_turns_the_sound_on(
    keyed: ModelBench,
) -> None:
    await go_live(keyed)
    keyed.model.set_volume(0)
    assert keyed.notices == {}
    keyed.speak()
    await settle(lambda: "unheard" in keyed.notices)
    keyed.press("unheard")
    assert keyed.session.playout.volume == keyed.model.settings.volume == 80
    assert keyed.raised == ["unheard"]


async def test_the_volume_is_remembered(make_model: Make) -> None:
    bench = make_model()
    bench.model.set_volume(35)
    bench.settings.close()
    assert make_model().session.playout.volume == 35


# A session's life


async def test_a_failed_session_that_may_be_open_is_ended_before_the_next_try(keyed: ModelBench) -> None:
    await go_live(keyed)
    first = keyed.atlas.open_sessions[0]
    keyed.atlas.end_outcomes.append(EndReceipt(first, confirmed=False))
    keyed.room.room.listener.room_lost("gone")
    await keyed.over()
    assert isinstance(keyed.model.snapshot.state, Failed)
    assert keyed.model.snapshot.state.session_id == first
    assert "end_unconfirmed" in keyed.notices
    keyed.atlas.calls.clear()
    keyed.model.start_again()
    await keyed.live()
    assert keyed.atlas.calls == [f"end {first}", "create"]
    assert first not in keyed.atlas.open_sessions
    assert "end_unconfirmed" not in keyed.notices


async def test_an_end_that_is_confirmed_late_takes_its_notice_back(keyed: ModelBench) -> None:
    await go_live(keyed)
    keyed.atlas.end_gate = asyncio.Event()
    keyed.model.end()
    await keyed.over()
    await settle(lambda: "end_unconfirmed" in keyed.notices)
    keyed.atlas.end_gate.set()
    await settle(lambda: keyed.notices == {})
    assert keyed.model.snapshot.summary is not None
    assert keyed.model.snapshot.summary.confirmed


async def test_an_end_without_confirmation_can_be_asked_for_again_even_during_the_next_session(
    keyed: ModelBench,
) -> None:
    await go_live(keyed)
    first = keyed.atlas.open_sessions[0]
    keyed.atlas.end_outcomes.extend([EndReceipt(first, confirmed=False)] * 2)
    keyed.model.end()
    await keyed.over()
    assert keyed.notices["end_unconfirmed"].actions[0].label == "End it again"
    keyed.model.start_again()
    assert keyed.notices == {}
    await keyed.live()
    await settle(lambda: "end_unconfirmed" in keyed.notices)
    keyed.press("end_unconfirmed")
    await settle(lambda: first not in keyed.atlas.open_sessions)
    assert keyed.model.snapshot.is_live
    assert len(keyed.atlas.open_sessions) == 1


async def test_start_again_is_like_the_last_time(make_model: Make) -> None:
    bench = make_model(environment=KEY)
    await bench.load()
    bench.model.rehearse()
    await bench.live()
    bench.model.end()
    await bench.over()
    bench.model.start_again()
    await bench.live()
    assert not bench.model.snapshot.billed
    assert bench.atlas.calls == []


async def test_a_second_start_changes_nothing(keyed: ModelBench) -> None:
    keyed.model.start()
    keyed.model.start()
    keyed.model.rehearse()
    await keyed.live()
    assert keyed.atlas.calls == ["create"]


async def test_cancel_ends_what_was_made(keyed: ModelBench) -> None:
    keyed.room.picture_at_once = False
    keyed.model.start()
    await settle(lambda: keyed.model.snapshot.state_name == "Waiting")
    keyed.model.keep_waiting()
    keyed.model.end()
    await keyed.over()
    assert isinstance(keyed.model.snapshot.state, Ended)
    assert keyed.atlas.open_sessions == []


async def test_closing_asks_the_program_to_go(make_model: Make) -> None:
    bench = make_model()
    asked: list[bool] = []
    bench.model.quit_requested.connect(lambda: asked.append(True))
    bench.model.close_requested()
    assert asked == [True]


async def test_an_interrupt_stops_the_cue_and_holds_the_rest(keyed: ModelBench, tmp_path: Path) -> None:
    await drop(keyed, *make_files(tmp_path, "a.wav", "b.wav"))
    await go_live(keyed, Mode.PASSTHROUGH)
    await settle(lambda: keyed.model.cues[0].state is CueState.PLAYING)
    keyed.model.interrupt()
    assert states(keyed) == [CueState.DONE, CueState.PAUSED]
    keyed.model.play_cue()
    assert states(keyed) == [CueState.DONE, CueState.PLAYING]
    keyed.model.pause_cue()
    assert states(keyed) == [CueState.DONE, CueState.PAUSED]
    keyed.model.remove_cue(keyed.model.cues[1].id)
    keyed.model.next_cue()
    assert states(keyed) == [CueState.DONE]


async def test_a_short_break_does_not_begin_a_cue_anew(keyed: ModelBench, tmp_path: Path) -> None:
    await drop(keyed, *make_files(tmp_path, "a.wav"))
    await go_live(keyed, Mode.PASSTHROUGH)
    reader = keyed.room.feeder.current
    keyed.room.room.listener.connection_changed(False)
    assert keyed.model.snapshot.state_name == "Reconnecting"
    keyed.room.room.listener.connection_changed(True)
    assert keyed.room.feeder.current is reader


# The transcript


async def test_what_is_said_is_told_and_lies_on_disk_at_once(keyed: ModelBench) -> None:
    told: list[tuple[int, Message]] = []
    keyed.model.message_changed.connect(lambda index, message: told.append((index, message)))
    await go_live(keyed)
    assert keyed.model.send("Hello")
    assert (told[0][0], told[0][1].text) == (0, "Hello")
    (journal,) = keyed.profile.transcripts_folder.glob("*.jsonl")
    assert [message.text for message in read_journal(journal)] == ["Hello"]
    assert not keyed.model.send("  ")


async def test_a_transcript_that_is_not_kept_on_disk_is_said_once(keyed: ModelBench) -> None:
    keyed.profile.transcripts_folder.write_text("")
    await go_live(keyed)
    keyed.model.send("Hello")
    await settle(lambda: "transcript_journal" in keyed.notices)
    assert "no longer kept on disk" in keyed.notices["transcript_journal"].title
    keyed.model.send("How are you?")
    await keyed.quiet()
    assert keyed.raised == ["transcript_journal"]
    assert [message.text for message in keyed.model.messages] == ["Hello", "How are you?"]


async def test_what_is_said_while_the_program_ends_is_written_without_a_word(keyed: ModelBench) -> None:
    await go_live(keyed)
    await keyed.scope.aclose()
    keyed.room.room.listener.segment_received("SG_1", "agent", "Goodbye", True)
    assert [message.text for message in keyed.model.messages] == ["Goodbye"]


async def test_a_new_session_has_a_transcript_and_a_journal_of_its_own(keyed: ModelBench) -> None:
    resets: list[bool] = []
    keyed.model.transcript_reset.connect(lambda: resets.append(True))
    await go_live(keyed)
    keyed.model.send("Hello")
    keyed.model.end()
    await keyed.over()
    assert [message.text for message in keyed.model.messages] == ["Hello"]
    keyed.model.start_again()
    await keyed.live()
    assert keyed.model.messages == ()
    assert len(resets) == 2


async def test_a_transcript_is_saved_and_said_where(keyed: ModelBench, tmp_path: Path) -> None:
    await go_live(keyed)
    keyed.model.send("Hello")
    text, rows = tmp_path / "talk.txt", tmp_path / "talk.json"
    keyed.model.save_transcript(text)
    await keyed.quiet()
    assert keyed.notices["transcript_saved"].title == "Transcript saved as talk.txt"
    assert text.read_text().endswith("You: Hello\n")
    keyed.model.save_transcript(rows)
    await keyed.quiet()
    assert json.loads(rows.read_text())[0]["text"] == "Hello"


async def test_a_transcript_that_can_not_be_written_says_why(make_model: Make, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    bench = make_model()
    bench.model.save_transcript(tmp_path / "file" / "talk.txt")
    await bench.quiet()
    notice = bench.notices["transcript_saved"]
    assert notice.title.startswith("talk.txt can't be written: ")
    assert notice.severity == "error"


# What was there before


async def test_limits_that_were_set_back_are_said_once(make_model: Make, tmp_path: Path) -> None:
    (tmp_path / "profile").mkdir()
    (tmp_path / "profile" / "settings.json").write_text('{"limit_session_usd": 500.0, "limits_seen": true}')
    bench = make_model()
    await bench.load()
    assert "a session costs at most $5.00, a day at most $20.00" in bench.notices["limits_repaired"].advice
    asked: list[bool] = []
    bench.model.settings_requested.connect(lambda: asked.append(True))
    bench.press("limits_repaired")
    assert asked == [True]
    bench.settings.close()
    again = make_model()
    await again.load()
    assert again.raised == []


@pytest.mark.parametrize("limit", ["0", "-5", "1e308", "Infinity", "NaN", '"5"', "null"])
async def test_a_limit_that_can_not_be_used_is_said_once(
    make_model: Make, tmp_path: Path, limit: str
) -> None:
    """Who wrote 0 meant no money; the usual limit is more than that."""
    (tmp_path / "profile").mkdir()
    (tmp_path / "profile" / "settings.json").write_text(f'{{"limit_session_usd": {limit}, "other": 1}}')
    bench = make_model()
    await bench.load()
    assert "a session costs at most $5.00" in bench.notices["limits_unusable"].advice
    bench.settings.close()
    again = make_model()
    await again.load()
    assert again.raised == []


async def test_damaged_settings_are_said_and_kept_aside(make_model: Make, tmp_path: Path) -> None:
    (tmp_path / "profile").mkdir()
    (tmp_path / "profile" / "settings.json").write_text("{")
    bench = make_model()
    await bench.load()
    assert "settings.damaged.json" in bench.notices["settings_damaged"].advice


async def test_an_error_in_passing_becomes_a_notice_which_can_be_taken_back(make_model: Make) -> None:
    bench = make_model()
    bench.model.report(RoomLostError())
    bench.model.notice_raised.emit(replace(bench.notices["room_lost"], id="other"))
    assert set(bench.notices) == {"room_lost", "other"}
    bench.model.clear("room_lost", "other", "never there")
    assert bench.notices == {}
