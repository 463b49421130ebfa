"""The guards' locks: held by one, seen from outside, cleared away without two ever holding one."""

import subprocess
import sys
from pathlib import Path

import pytest

from atlas_desktop.guard.lock import GuardLock

_TAKER = """
import os, sys, time
from pathlib import Path
from atlas_desktop.guard.lock import GuardLock
folder, times = Path(sys.argv[1]), 0
while times < 100:
    with GuardLock(folder, "g") as lock:
        if lock.take():
            mark = folder / "mark"
            os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
            time.sleep(0.001)
            mark.unlink()
            times += 1
            lock.discard()
"""


def test_a_lock_is_held_by_one(tmp_path: Path) -> None:
    with GuardLock(tmp_path, "g") as first, GuardLock(tmp_path, "g") as second:
        assert first.take()
        assert not second.take()
        first.release()
        assert second.take()


def test_who_has_one_sees_whether_it_is_held(tmp_path: Path) -> None:
    with GuardLock(tmp_path, "g") as first, GuardLock(tmp_path, "g") as second:
        assert (first.is_held, first.take(), first.is_held) == (False, True, True)
        assert (second.take(), second.is_held, second.is_anothers) == (False, False, True)
        first.release()
        assert (first.is_held, second.take(), second.is_anothers) == (False, True, False)
        # Its own again: not taken twice, so one release frees it.
        assert second.take()
        second.release()
        assert first.take()


def test_a_lock_that_no_one_can_make_is_nobodys(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with GuardLock(tmp_path / "file" / "guards", "g") as lock:
        assert (lock.take(), lock.is_held, lock.is_anothers) == (False, False, False)


@pytest.mark.parametrize("guard", ["", "../outside", "a/b", "\0", "x" * 5000, "ü"])
def test_a_damaged_name_has_a_lock_all_the_same(tmp_path: Path, guard: str) -> None:
    folder = tmp_path / "guards"
    with GuardLock(folder, guard) as first, GuardLock(folder, guard) as second:
        assert first.take()
        assert not second.take()
        assert [file.parent for file in tmp_path.rglob("*.lock")] == [folder]


@pytest.mark.skipif(sys.platform == "win32", reason="a file that is open stays")
def test_what_is_discarded_is_gone_and_never_held_by_two(tmp_path: Path) -> None:
    words = [sys.executable, "-c", _TAKER, str(tmp_path)]
    takers = [subprocess.Popen(words, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    complaints = [taker.communicate(timeout=60)[1] for taker in takers]
    assert complaints == ["", "", ""]
    assert list(tmp_path.iterdir()) == []


def test_one_that_was_not_taken_is_not_discarded(tmp_path: Path) -> None:
    with GuardLock(tmp_path, "g") as first, GuardLock(tmp_path, "g") as second:
        assert first.take()
        assert not second.take()
        second.discard()
        assert not second.take()
