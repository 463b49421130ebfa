import subprocess
import sys
from pathlib import Path

import pytest

from atlas_desktop.guard.lock import DeadGuardLocks, GuardLock

_GUARD = """
import sys
from pathlib import Path
from atlas_desktop.guard.lock import GuardLock
lock = GuardLock(Path(sys.argv[1]), sys.argv[2])
print(lock.take(), flush=True)
sys.stdin.read()
"""


def test_a_guard_lives_as_long_as_its_process(tmp_path: Path) -> None:
    locks = DeadGuardLocks(tmp_path)
    words = [sys.executable, "-c", _GUARD, str(tmp_path), "0123abcd"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as guard:
        assert guard.stdout is not None
        assert guard.stdout.readline() == "True\n"
        assert locks.is_alive("0123abcd")
        assert not locks.is_alive("another")
        with locks.held({"0123abcd", "another", ""}) as living:
            assert living == {"0123abcd"}
        guard.kill()
    assert not locks.is_alive("0123abcd")


@pytest.mark.skipif(sys.platform == "win32", reason="a file that is open stays")
def test_the_locks_of_the_dead_are_cleared_away(tmp_path: Path) -> None:
    (tmp_path / "dead.lock").touch()
    (tmp_path / "seen.lock").touch()
    locks = DeadGuardLocks(tmp_path)
    with GuardLock(tmp_path, "alive") as alive:
        assert alive.take()
        assert not locks.is_alive("seen")
        with locks.held({"dead", "alive", "never-here"}):
            pass
        assert [file.name for file in tmp_path.iterdir()] == ["alive.lock"]
        assert locks.is_alive("alive")


def test_who_stands_in_for_a_guard_keeps_others_off(tmp_path: Path) -> None:
    with DeadGuardLocks(tmp_path / "guards").held({"gone"}) as living:
        assert living == set()
        assert not GuardLock(tmp_path / "guards", "gone").take()
        assert DeadGuardLocks(tmp_path / "guards").is_alive("gone")
    with GuardLock(tmp_path / "guards", "gone") as lock:
        assert lock.take()


def test_looking_leaves_nothing_behind(tmp_path: Path) -> None:
    assert not DeadGuardLocks(tmp_path / "guards").is_alive("gone")
    assert not (tmp_path / "guards").exists()


@pytest.mark.parametrize("guard", ["", "../outside", "a/b", "\0", "x" * 5000, "ü"])
def test_a_name_from_a_damaged_journal_is_locked_like_any_other(tmp_path: Path, guard: str) -> None:
    locks = DeadGuardLocks(tmp_path / "guards")
    assert not locks.is_alive(guard)
    with locks.held({guard}) as living:
        assert living == set()
        assert not GuardLock(tmp_path / "guards", guard).take()
        with DeadGuardLocks(tmp_path / "guards").held({guard}) as others:
            assert others == {guard}
    assert not (tmp_path / "outside.lock").exists()


def test_two_damaged_names_may_share_a_lock(tmp_path: Path) -> None:
    with DeadGuardLocks(tmp_path).held({"a/b", "a_b", "a?b"}) as living:
        assert living == set()


def test_where_no_lock_can_be_made_no_guard_has_one(tmp_path: Path) -> None:
    """A folder that can't be: ending comes first."""
    (tmp_path / "file").write_text("in the way")
    with DeadGuardLocks(tmp_path / "file" / "guards").held({"gone"}) as living:
        assert living == set()
    assert [file.name for file in tmp_path.iterdir()] == ["file"]
