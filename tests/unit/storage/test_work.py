import json
import os
import time
from pathlib import Path

import pytest

from atlas_desktop.storage.work import Clip, Work, WorkStore

CLIPS = (Clip("/a/b.wav", 5.0), Clip("/a/\udcff.wav"))


def written(file: Path, work: Work) -> None:
    deadline_s = time.monotonic() + 10
    while WorkStore(file).read() != work:
        assert time.monotonic() < deadline_s, WorkStore(file).read()
        time.sleep(0.01)


def test_what_is_in_hand_is_read_back_by_the_next_run(tmp_path: Path) -> None:
    store = WorkStore(tmp_path / "work.json", write_after_s=0.01)
    store.keep(clips=CLIPS)
    written(tmp_path / "work.json", Work(CLIPS))
    store.keep(draft="half a")
    written(tmp_path / "work.json", Work(CLIPS, "half a"))
    store.keep(clips=[])
    written(tmp_path / "work.json", Work((), "half a"))
    assert (tmp_path / "work.json").stat().st_mode & 0o077 == 0


def test_the_last_of_many_changes_is_written(tmp_path: Path) -> None:
    store = WorkStore(tmp_path / "work.json", write_after_s=0.001)
    for length in range(500):
        store.keep(draft="x" * length)
    written(tmp_path / "work.json", Work(draft="x" * 499))


def test_a_run_that_comes_to_its_end_leaves_nothing(tmp_path: Path) -> None:
    store = WorkStore(tmp_path / "work.json", write_after_s=0.01)
    store.keep(draft="half a")
    written(tmp_path / "work.json", Work(draft="half a"))
    store.keep(draft="half a sen")
    store.close()
    store.keep(draft="half a sentence")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "work"),
    [
        ("", Work()),
        ("[" * 9_999, Work()),
        ("null", Work()),
        ('{"clips": 5, "draft": ""}', Work()),
        ('{"clips": [{"path": "/a"}], "draft": "x"}', Work(draft="x")),
        ('{"clips": {"path": "/a"}, "draft": "x"}', Work(draft="x")),
        ('{"clips": ["/a", null, {"path": "/a", "position_s": 2}]}', Work((Clip("/a", 2.0),))),
        ('{"clips": [{"path": "/a", "position_s": ' + "9" * 400 + "}]}", Work()),
        ('{"clips": [], "draft": "a\\ud800b"}', Work(draft="a\ufffdb")),
        ('{"clips": [], "draft": 7}', Work()),
        (
            '{"clips": [{"path": "", "position_s": 0}, {"path": "/a", "position_s": 2}], "draft": "x"}',
            Work((Clip("/a", 2.0),), "x"),
        ),
        ('{"clips": [{"path": "/a", "position_s": NaN}, {"path": 4, "position_s": 1}], "draft": ""}', Work()),
        ('{"clips": [{"path": "/a\\u0000b", "position_s": 0}], "draft": ""}', Work()),
    ],
)
def test_what_a_crash_or_a_hand_has_damaged_is_left_out(tmp_path: Path, text: str, work: Work) -> None:
    (tmp_path / "work.json").write_text(text)
    assert WorkStore(tmp_path / "work.json").read() == work


def test_without_room_the_program_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = WorkStore(tmp_path / "file" / "work.json", write_after_s=0.001)
    store.keep(draft="x")
    assert store.read() == Work()
    store.close()


def test_a_draft_is_cut_before_it_fills_the_disk(tmp_path: Path) -> None:
    store = WorkStore(tmp_path / "work.json", write_after_s=0.001)
    store.keep(draft="x" * 1_000_000)
    written(tmp_path / "work.json", Work(draft="x" * 200_000))
    assert len(json.loads((tmp_path / "work.json").read_text())["draft"]) == 200_000


@pytest.mark.parametrize("content", [b"", b"{", b"\0" * 99, b"[1]"])
def test_what_can_not_be_read_is_set_aside(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "work.json"
    file.write_bytes(content)
    store = WorkStore(file)
    assert store.read() == Work()
    assert store.moved_aside is not None
    assert store.moved_aside.read_bytes() == content
    assert not file.exists()


def test_a_file_without_end_fills_no_memory(tmp_path: Path) -> None:
    file = tmp_path / "work.json"
    file.write_text(json.dumps({"clips": [], "draft": "x"}))
    os.truncate(file, 1 << 40)
    store = WorkStore(file)
    assert store.read() == Work()
    assert store.moved_aside is not None


def test_a_pipe_in_its_place_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "work.json")
    assert WorkStore(tmp_path / "work.json").read() == Work()
