import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from atlas_desktop.storage.last_run import RunMark, StoppedRun
from atlas_desktop.storage.profile import Profile
from atlas_desktop.storage.transcripts import SavedMessage, TranscriptJournal

DIE = """
import os, sys
from pathlib import Path
from atlas_desktop.storage.last_run import RunMark
from atlas_desktop.storage.profile import Profile
mark = RunMark(Profile(Path(sys.argv[1]), "test"))
mark.begin("9.9")
print("begun", flush=True)
sys.stdin.read()
os.abort()
"""


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    profile = Profile(tmp_path / "profile", "test")
    profile.ensure()
    profile.log_file.parent.mkdir()
    return profile


def begun(profile: Profile) -> RunMark:
    mark = RunMark(profile)
    mark.begin("1.0")
    return mark


def running(profile: Profile) -> "subprocess.Popen[str]":
    words = [sys.executable, "-c", DIE, str(profile.folder)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def crashed(profile: Profile) -> StoppedRun:
    """What a run left that died."""
    process = running(profile)
    process.communicate()
    mark = begun(profile)
    mark.end()
    assert mark.stopped is not None
    return mark.stopped


def test_a_run_that_came_to_its_end_leaves_nothing(profile: Profile) -> None:
    for _ in range(2):
        mark = begun(profile)
        assert (mark.stopped, mark.trouble, mark.is_ours) == (None, None, True)
        mark.end()
    assert not (profile.folder / "running.json").exists()


def test_a_run_that_died_is_found_once(profile: Profile) -> None:
    stopped = crashed(profile)
    assert stopped.version == "9.9"
    assert abs((datetime.now().astimezone() - stopped.last_seen).total_seconds()) < 60
    assert (stopped.stacks, stopped.log, stopped.journal) == ("", "", None)
    assert begun(profile).stopped is None


def test_a_run_that_lives_is_no_crash_and_keeps_its_mark(profile: Profile) -> None:
    first = running(profile)
    second = begun(profile)
    assert (second.stopped, second.is_ours) == (None, False)
    second.end()
    first.communicate()
    assert begun(profile).stopped is not None


def test_the_stacks_of_that_run_and_its_last_lines_are_there(profile: Profile) -> None:
    profile.crash_log.write_text("an older crash\n")
    process = running(profile)
    with profile.crash_log.open("a") as file:
        file.write("Fatal Python error: Aborted\n")
    profile.log_file.write_text("x" * 100_000 + "\nthe last line\n")
    os.utime(profile.log_file, (2_000_000_000, 2_000_000_000))
    process.communicate()
    stopped = begun(profile).stopped
    assert stopped is not None
    assert stopped.stacks == "Fatal Python error: Aborted\n"
    assert stopped.log.endswith("the last line\n")
    assert len(stopped.log) < 20_000
    assert stopped.last_seen.timestamp() == 2_000_000_000


def test_a_crash_log_that_was_cleared_meanwhile_gives_no_stacks(profile: Profile) -> None:
    profile.crash_log.write_text("an older crash, cleared by its user\n")
    process = running(profile)
    profile.crash_log.write_text("")
    process.communicate()
    stopped = begun(profile).stopped
    assert stopped is not None
    assert stopped.stacks == ""


def test_its_transcript_is_there_and_not_an_older_one(profile: Profile) -> None:
    old = profile.transcripts_folder / "2020-01-01 00-00-00.000000.jsonl"
    old.parent.mkdir()
    old.write_text("{}\n")
    os.utime(old, (1_600_000_000, 1_600_000_000))
    assert crashed(profile).journal is None
    process = running(profile)
    journal = TranscriptJournal(profile.transcripts_folder)
    journal.note(SavedMessage("1", "user", "Hello", True, 0))
    journal.close()
    process.communicate()
    stopped = begun(profile).stopped
    assert stopped is not None
    assert stopped.journal == journal.path


@pytest.mark.parametrize("set_by_s", [-370 * 86_400, 370 * 86_400])
def test_its_transcript_is_found_though_the_clock_was_set(profile: Profile, set_by_s: int) -> None:
    def note(moment: datetime) -> Path:
        journal = TranscriptJournal(profile.transcripts_folder, moment)
        journal.note(SavedMessage("1", "user", "Hello", True, 0))
        journal.close()
        os.utime(journal.path, (moment.timestamp(), moment.timestamp()))
        return journal.path

    now = datetime.now().astimezone()
    note(now + timedelta(days=800))
    note(now)
    process = running(profile)
    its = note(now + timedelta(seconds=set_by_s))
    process.communicate()
    stopped = begun(profile).stopped
    assert stopped is not None
    assert stopped.journal == its
    assert crashed(profile).journal is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"began": 7}',
        '{"began": "2026-13-45"}',
        '{"began": "0001-01-01"}',
        '{"began": "9999-12-31T23:59:59-12:00"}',
        '{"began": "2026-01-01", "crash_log": 1e999, "version": ["1"]}',
        "[" * 99_999,
        "7" * 9_999,
        '{"began": "9999-12-31T23:59:59.999999+00:00"}',
        '{"began": "2026-01-01", "version": ' + "[" * 400 + "]" * 400 + "}",
        '{"began": "2026-01-01", "crash_log": ' + "9" * 400 + ', "journals": {"a": 1}}',
        "\x00",
    ],
)
def test_a_mark_that_a_power_cut_tore_still_says_that_it_was_one(profile: Profile, text: str) -> None:
    (profile.folder / "running.json").write_text(text)
    mark = begun(profile)
    assert mark.stopped is not None
    assert json.loads((profile.folder / "running.json").read_text())["version"] == "1.0"


def test_pipes_in_their_place_are_not_waited_for(profile: Profile) -> None:
    mark_file = profile.folder / "running.json"
    for file in (mark_file, profile.log_file, profile.crash_log):
        os.mkfifo(file)
    assert begun(profile).stopped is None
    stopped = begun(profile).stopped
    assert stopped is not None
    assert (stopped.log, stopped.stacks) == ("", "")


def test_a_disk_may_say_any_time(profile: Profile) -> None:
    profile.log_file.write_text("x")
    os.utime(profile.log_file, (2**38, 2**38))
    (profile.folder / "running.json").write_text("{")
    stopped = begun(profile).stopped
    assert stopped is not None
    assert stopped.last_seen.year < 9000


def test_a_clock_that_was_set_back_a_year_changes_nothing(profile: Profile) -> None:
    now = datetime.now().astimezone()
    later = now.replace(year=now.year + 1, day=1)
    (profile.folder / "running.json").write_text(json.dumps({"version": "1", "began": later.isoformat()}))
    stopped = begun(profile).stopped
    assert stopped is not None
    assert stopped.began == later


def test_a_folder_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    mark = begun(Profile(tmp_path / "file" / "profile", "test"))
    assert isinstance(mark.trouble, OSError)
    assert mark.stopped is None
    mark.end()
