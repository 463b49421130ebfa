"""After an abort the next start says so, and gives back the report, the transcript and the work in hand."""

import json
import os
import signal
from pathlib import Path

from tests.e2e.accessibility import poll
from tests.e2e.program import Window
from tests.e2e.sounds import make_tone
from tests.e2e.stage import Stage

STOPPED = r"Atlas Desktop stopped unexpectedly at \d\d:\d\d"
DRAFT = "Half a sentence, and"


def kept(program: Window) -> dict[str, object]:
    file = program.profile / "work.json"
    try:
        found: dict[str, object] = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    return found


def die(program: Window, number: signal.Signals) -> None:
    os.kill(program.pid, number)
    assert program.process.wait(20) == -number


def notices(program: Window) -> str:
    return "\n".join(one.name for one in program.screen.controls() if one.name.startswith("Notice: "))


def test_an_abort_in_a_rehearsal_costs_nothing_that_was_typed_said_or_dropped(
    desk: Stage, tmp_path: Path
) -> None:
    folder = desk.new_folder("abort")
    for name in ("first", "second"):
        make_tone(tmp_path / f"{name}.wav", 500, 1.0)
    with desk.open("--local", "--start", "--mode", "conversation", folder=folder) as program:
        program.wait_state("Live")
        program.wait_transcript(r"^Atlas, \d\d:\d\d, Hi\b")
        desk.drop(program, tmp_path / "second.wav", tmp_path / "first.wav")
        program.wait_cue("^first.wav, 0:01, waiting$")
        desk.paste(program, "Message", DRAFT)
        assert poll(lambda: kept(program).get("draft") == DRAFT and kept(program).get("clips"), 10)
        die(program, signal.SIGABRT)
    with desk.open(folder=folder) as program:
        program.wait_notice(f"{STOPPED}. 2 clips that were in the strip were kept. What you were typing")
        program.screen.press("Restore cues")
        program.wait_cue("^first.wav, 0:01, waiting$")
        assert [cue.split(",")[0] for cue in program.cues()] == ["second.wav", "first.wav"]
        program.screen.press("Open transcript")
        program.wait_notice(r"Transcript saved as .*\.txt")
        (text,) = (program.profile / "transcripts").glob("*.txt")
        assert "Hi, I'm" in text.read_text("utf-8")
        program.screen.press("Copy report")
        program.screen.wait_gone("label", f"(?s)Notice: {STOPPED}.*")
        program.screen.press("Rehearse")
        program.wait_state("Live")
        message = program.screen.wait("text", "Message")
        assert poll(lambda: message.text == DRAFT, 5), message.text
        desk.hands.click(*message.centre)
        desk.hands.key("ctrl+a", "ctrl+v")
        # The stacks of the abort, and what the log said last.
        assert poll(lambda: "Fatal Python error: Aborted" in message.text, 5), message.text
        assert "stopped unexpectedly: began" in message.text
        program.end_session()
    with desk.open(folder=folder) as program:
        program.screen.wait("push button", "Rehearse")
        assert "stopped unexpectedly" not in notices(program)
        assert not program.cues()


def test_a_killed_program_with_nothing_in_hand_offers_the_report_alone(desk: Stage) -> None:
    folder = desk.new_folder("killed")
    with desk.open(folder=folder) as program:
        program.screen.wait("push button", "Rehearse")
        assert poll((program.profile / "running.json").exists, 10)
        die(program, signal.SIGKILL)
    with desk.open(folder=folder) as program:
        program.wait_notice(STOPPED)
        assert program.screen.find("push button", "Restore cues") is None
        assert program.screen.find("push button", "Open transcript") is None
        program.screen.press("Copy report")
        program.rehearse_once()


def test_a_second_window_of_another_profile_is_no_crash(desk: Stage) -> None:
    with desk.open() as one, desk.open() as other:
        for program in (one, other):
            program.screen.wait("push button", "Rehearse")
            assert "stopped unexpectedly" not in notices(program)
