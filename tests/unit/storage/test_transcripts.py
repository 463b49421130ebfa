import errno
import json
import os
import resource
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from atlas_desktop.storage.transcripts import (
    KEPT_JOURNALS,
    MOST_BYTES,
    SavedMessage,
    TranscriptJournal,
    forget_oldest,
    format_json,
    format_text,
    read_journal,
    save,
)

HELLO = SavedMessage("1", "user", "Hello!", True, 1_700_000_000_000)
ANSWER = SavedMessage("2", "agent", "Hi\nthere <b>مرحبا</b>", True, 1_700_000_001_500)
MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_text_has_one_entry_a_message_in_order() -> None:
    lines = format_text([HELLO, ANSWER]).splitlines()
    assert len(lines) == 3
    assert lines[0].endswith("You: Hello!")
    assert "Atlas: Hi" in lines[1]
    assert lines[2].strip() == "there <b>مرحبا</b>"


def test_json_says_time_role_and_words(tmp_path: Path) -> None:
    save(tmp_path / "talk.JSON", [HELLO, ANSWER])
    rows = json.loads((tmp_path / "talk.JSON").read_text(encoding="utf-8"))
    assert [row["role"] for row in rows] == ["user", "agent"]
    assert rows[0]["time"] == "2023-11-14T22:13:20.000+00:00"
    assert rows[1]["text"] == ANSWER.text


def test_what_did_not_go_out_says_so_everywhere(tmp_path: Path) -> None:
    waiting = replace(HELLO, delivery="waiting")
    unsent = replace(HELLO, id="2", delivery="not_sent")
    lines = format_text([waiting, unsent, ANSWER]).splitlines()
    assert lines[0].endswith("You (not delivered): Hello!")
    assert lines[1].endswith("You (not sent): Hello!")
    assert "Atlas: Hi" in lines[2]
    rows = json.loads(format_json([unsent, HELLO]))
    assert rows[0]["delivery"] == "not_sent"
    assert "delivery" not in rows[1]
    journal = TranscriptJournal(tmp_path, MOMENT)
    journal.note(waiting)
    journal.note(replace(waiting, delivery="not_sent"))
    journal.close()
    assert read_journal(journal.path) == [replace(HELLO, delivery="not_sent")]


def test_a_journal_of_before_is_read(tmp_path: Path) -> None:
    old = {"id": "1", "role": "user", "text": "Hello!", "final": True, "timestamp_ms": 1_700_000_000_000}
    (tmp_path / "old.jsonl").write_text(json.dumps(old) + "\n")
    assert read_journal(tmp_path / "old.jsonl") == [HELLO]


def test_any_other_name_gets_text(tmp_path: Path) -> None:
    save(tmp_path / "talk", [HELLO])
    assert "You: Hello!" in (tmp_path / "talk").read_text(encoding="utf-8")


def test_saving_where_nothing_can_be_written_raises(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        save(tmp_path / "file" / "talk.txt", [HELLO])


def test_words_that_are_no_utf8_are_saved_all_the_same(tmp_path: Path) -> None:
    odd = SavedMessage("3", "user", "a\ud800b", True, 0)
    save(tmp_path / "talk.txt", [odd])
    journal = TranscriptJournal(tmp_path, MOMENT)
    journal.note(odd)
    journal.close()
    assert "a?b" in (tmp_path / "talk.txt").read_text(encoding="utf-8")


def test_a_journal_can_be_read_while_it_is_open(tmp_path: Path) -> None:
    journal = TranscriptJournal(tmp_path / "transcripts", MOMENT)
    journal.note(HELLO)
    journal.note(ANSWER)
    assert read_journal(journal.path) == [HELLO, ANSWER]
    assert journal.path.stat().st_mode & 0o077 == 0
    journal.close()


def test_the_newest_line_of_a_message_counts(tmp_path: Path) -> None:
    journal = TranscriptJournal(tmp_path, MOMENT)
    journal.note(SavedMessage("2", "agent", "Hi", False, 5))
    journal.note(HELLO)
    journal.note(ANSWER)
    journal.close()
    assert read_journal(journal.path) == [ANSWER, HELLO]


def test_interim_words_are_written_once_a_second(tmp_path: Path) -> None:
    journal = TranscriptJournal(tmp_path, MOMENT)
    for length in range(1, 200):
        journal.note(SavedMessage("2", "agent", "x" * length, False, 5))
    journal.close()
    assert len(journal.path.read_text().splitlines()) == 1


def test_separators_inside_words_do_not_split_a_line(tmp_path: Path) -> None:
    odd = SavedMessage("3", "user", "a\u2028b\x0bc\x85d\ne", True, 0)
    journal = TranscriptJournal(tmp_path, MOMENT)
    journal.note(odd)
    journal.close()
    assert read_journal(journal.path) == [odd]


def test_a_line_cut_by_a_crash_is_left_out(tmp_path: Path) -> None:
    journal = TranscriptJournal(tmp_path, MOMENT)
    journal.note(HELLO)
    journal.note(ANSWER)
    journal.close()
    text = journal.path.read_text(encoding="utf-8")
    damaged = text[:-20] + '\n{"id": 1}\n[]\n' + "[" * 99_999 + "\n"
    journal.path.write_text(damaged, encoding="utf-8")
    assert read_journal(journal.path) == [HELLO]


@pytest.mark.parametrize(
    "odd",
    [
        {"id": [1]},
        {"id": {}},
        {"role": None},
        {"text": 7},
        {"final": "yes"},
        {"timestamp_ms": "now"},
        {"timestamp_ms": 10**18},
        {"timestamp_ms": -1},
        {"timestamp_ms": 1.5e300},
        {"delivery": []},
        {"colour": "red"},
    ],
)
def test_a_message_of_another_shape_is_left_out(tmp_path: Path, odd: dict[str, object]) -> None:
    path = tmp_path / "talk.jsonl"
    rows = [asdict(HELLO), {**asdict(ANSWER), **odd}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert read_journal(path) == [HELLO]


def test_a_journal_without_end_fills_no_memory(tmp_path: Path) -> None:
    journal = TranscriptJournal(tmp_path, MOMENT)
    journal.note(HELLO)
    journal.close()
    os.truncate(journal.path, 1 << 40)
    assert read_journal(journal.path) == [HELLO]


def test_a_pipe_in_its_place_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "talk.jsonl")
    with pytest.raises(OSError, match="not a file"):
        read_journal(tmp_path / "talk.jsonl")


def test_a_folder_among_the_journals_ends_none(tmp_path: Path) -> None:
    (tmp_path / "2020-01-01 00-00-00.jsonl").mkdir()
    journal = TranscriptJournal(tmp_path, MOMENT)
    journal.note(HELLO)
    forget_oldest(journal.path, keep=1)
    journal.note(ANSWER)
    journal.close()
    assert read_journal(journal.path) == [HELLO, ANSWER]


def test_nothing_said_leaves_no_file(tmp_path: Path) -> None:
    TranscriptJournal(tmp_path / "transcripts", MOMENT).close()
    assert not list(tmp_path.iterdir())


def test_a_folder_that_can_not_be_made_ends_the_journal_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    journal = TranscriptJournal(tmp_path / "file" / "transcripts", MOMENT)
    with pytest.raises(OSError, match=os.strerror(errno.ENOTDIR)):
        journal.note(HELLO)
    # It has said so.
    journal.note(ANSWER)
    journal.close()
    assert (tmp_path / "file").read_text() == ""


def test_only_the_newest_journals_are_kept(tmp_path: Path) -> None:
    for day in range(1, 8):
        (tmp_path / f"2026-01-{day:02d} 00-00-00.jsonl").write_text("")
    forget_oldest(tmp_path / "2026-01-07 00-00-00.jsonl", keep=3)
    assert sorted(path.name[8:10] for path in tmp_path.iterdir()) == ["05", "06", "07"]
    forget_oldest(tmp_path / "2026-01-07 00-00-00.jsonl", keep=4)
    assert len(list(tmp_path.iterdir())) == 3


def test_a_journal_of_a_clock_that_was_set_back_is_kept_while_it_is_written(tmp_path: Path) -> None:
    for number in range(KEPT_JOURNALS):
        (tmp_path / f"2026-01-01 00-{number // 60:02d}-{number % 60:02d}.jsonl").write_text("")
    journal = TranscriptJournal(tmp_path, datetime(2013, 3, 23, tzinfo=UTC))
    journal.note(HELLO)
    journal.close()
    assert [message.text for message in read_journal(journal.path)] == [HELLO.text]
    assert len(list(tmp_path.iterdir())) == KEPT_JOURNALS


def test_a_disk_that_fills_up_ends_the_journal_and_nothing_else(tmp_path: Path) -> None:
    journal = TranscriptJournal(tmp_path, MOMENT)
    journal.note(HELLO)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (journal.path.stat().st_size, before[1]))
    try:
        with pytest.raises(OSError, match=os.strerror(errno.EFBIG)):
            journal.note(ANSWER)
        # It holds what could not be written, and tries once more.
        journal.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [one.text for one in read_journal(journal.path)] == [HELLO.text]


def test_a_name_as_long_as_the_disk_allows_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 251 + ".txt")
    save(path, [])
    assert path.read_text() == ""


def test_several_messages_are_written_at_once(tmp_path: Path) -> None:
    journal = TranscriptJournal(tmp_path, MOMENT)
    journal.note(HELLO, ANSWER, SavedMessage("9", "agent", "inter", False, 5))
    journal.close()
    assert [message.id for message in read_journal(journal.path)] == [HELLO.id, ANSWER.id, "9"]


def test_a_journal_has_an_end(tmp_path: Path) -> None:
    journal = TranscriptJournal(tmp_path, MOMENT)

    def talk() -> None:
        for number in range(MOST_BYTES // 1_000_000 + 5):
            journal.note(SavedMessage("1", "agent", f"{number}" + "é" * 500_000, True, 5))

    with pytest.raises(OSError, match=os.strerror(errno.EFBIG)):
        talk()
    journal.note(HELLO)
    journal.close()
    assert MOST_BYTES - 1_100_000 < journal.path.stat().st_size <= MOST_BYTES
    (message,) = read_journal(journal.path)
    assert len(message.text) > 500_000
