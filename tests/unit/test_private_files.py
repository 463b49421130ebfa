"""What is ours alone: folders 0700, files 0600, whatever the umask and whatever was there before."""

import logging
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from atlas_desktop import logs
from atlas_desktop.guard.lock import GuardLock
from atlas_desktop.private_files import close_to_others, is_closed, is_movable_by_others, make_folder
from atlas_desktop.storage import atomic
from atlas_desktop.storage.billing_journal import BillingJournal
from atlas_desktop.storage.driver_crash_mark import DriverCrashMark
from atlas_desktop.storage.last_run import RunMark
from atlas_desktop.storage.profile import Profile
from atlas_desktop.storage.settings_store import SettingsStore
from atlas_desktop.storage.transcripts import SavedMessage, TranscriptJournal, save

HELLO = SavedMessage("1", "user", "Hello!", True, 0)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def open_places(folder: Path) -> dict[str, str]:
    """What others may do anything with, below and with ``folder``."""
    found = (folder, *folder.rglob("*"))
    return {str(path.relative_to(folder)): oct(mode(path)) for path in found if mode(path) & 0o077}


def test_all_that_a_profile_holds_is_ours_alone(
    umask: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    profile = Profile(tmp_path / "new" / "above" / "profile", "test")
    profile.ensure()
    logs.set_up(file=profile.log_file)
    logging.getLogger("atlas_desktop").info("a line")
    store = SettingsStore(profile.settings_file)
    store.change(volume=20)
    store.close()
    journal = TranscriptJournal(profile.transcripts_folder)
    journal.note(HELLO)
    journal.close()
    BillingJournal(profile.billing_journal).append({"event": "x"})
    with GuardLock(profile.guards_folder, "g1") as lock:
        assert lock.take()
        mark = RunMark(profile)
        mark.begin("1")
        assert DriverCrashMark(profile.folder).set()
        assert open_places(tmp_path / "new") == {}
    mark.end()
    for handler in logging.getLogger().handlers:
        handler.close()


def test_what_the_user_saves_is_as_any_file_made_there(umask: int, tmp_path: Path) -> None:
    save(tmp_path / "talk.txt", [HELLO])
    (tmp_path / "plain").touch()
    assert mode(tmp_path / "talk.txt") == mode(tmp_path / "plain")
    (tmp_path / "talk.txt").chmod(0o640)
    save(tmp_path / "talk.txt", [HELLO, HELLO])
    assert mode(tmp_path / "talk.txt") == 0o640
    assert len(list(tmp_path.iterdir())) == 2


def test_a_folder_that_an_earlier_version_left_open_is_closed(tmp_path: Path) -> None:
    profile = Profile(tmp_path / "profile", "test")
    for folder in ("log", "transcripts", "billing/guards"):
        (profile.folder / folder).mkdir(parents=True)
        (profile.folder / folder / "file").touch()
        (profile.folder / folder / "file").chmod(0o666)
        (profile.folder / folder).chmod(0o777)
    for name in ("settings.json", "settings.damaged.json", "work.json", "running.json", "picture-path.json"):
        (profile.folder / name).touch()
        (profile.folder / name).chmod(0o644)
    profile.folder.chmod(0o777)
    profile.ensure()
    assert mode(profile.folder) == 0o700
    profile.close_to_others()
    assert open_places(profile.folder) == {}


def test_a_folder_with_other_uses_keeps_its_rights(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o755)
    (home / "letter.txt").touch()
    (home / "letter.txt").chmod(0o644)
    (home / "settings.json").touch()
    (home / "settings.json").chmod(0o644)
    profile = Profile(home, "test")
    profile.ensure()
    profile.close_to_others()
    assert open_places(home) == {".": "0o755", "letter.txt": "0o644"}


def test_a_folder_for_everybody_stays_one(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    Profile(tmp_path, "test").ensure()
    assert mode(tmp_path) == 0o1777


def test_what_a_link_leads_to_is_left_alone(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "file").touch()
    for path in (elsewhere, elsewhere / "file"):
        path.chmod(0o755)
    profile = Profile(tmp_path / "profile", "test")
    profile.ensure()
    (profile.folder / "transcripts").symlink_to(elsewhere)
    (profile.folder / "settings.json").symlink_to(elsewhere / "file")
    (profile.folder / "work.json").symlink_to("nowhere")
    os.mkfifo(profile.folder / "running.json", 0o644)
    profile.close_to_others()
    assert mode(elsewhere) == mode(elsewhere / "file") == 0o755


def test_owner_and_rights_of_its_own_stay(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    file.chmod(0o444)
    close_to_others([file, tmp_path / "missing", Path("bad\0name")])
    assert mode(file) == 0o400


def test_which_folder_nobody_else_may_enter(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    assert not is_closed(folder)
    make_folder(folder / "below")
    assert is_closed(folder)
    assert is_closed(folder / "below")
    (tmp_path / "link").symlink_to(folder)
    (tmp_path / "file").touch(0o600)
    assert not is_closed(tmp_path / "link")
    assert not is_closed(tmp_path / "file")
    folder.chmod(0o710)
    assert not is_closed(folder)
    assert not is_movable_by_others(folder)
    tmp_path.chmod(0o770)
    assert is_movable_by_others(folder)
    tmp_path.chmod(0o1777)
    assert not is_movable_by_others(folder)


def test_what_is_no_folder_is_not_made_one(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        make_folder(tmp_path / "file")
    with pytest.raises(OSError, match="below"):
        make_folder(tmp_path / "file" / "below")
    (tmp_path / "link").symlink_to(tmp_path)
    make_folder(tmp_path / "link")


@pytest.mark.parametrize(
    "role", [[], ["check", "--local"], ["sessions", "list"], ["sessions", "end", "--all"]]
)
def test_another_users_profile_is_refused_with_words(role: list[str], tmp_path: Path) -> None:
    profile = tmp_path / "profile"
    profile.mkdir()
    # Whoever may not give the folder away is taken for another: the program then asks in vain.
    code = (
        "import os, sys; from atlas_desktop.__main__ import main;"
        "mine = os.geteuid(); os.geteuid = lambda: mine + 1; sys.exit(main(sys.argv[1:]))"
    )
    words = [sys.executable, "-c", code, *role, "--profile", str(profile)]
    env = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.endswith(f"{profile} can't be used: it belongs to another user\n")
    assert done.stderr.count("\n") == 1
    assert list(profile.iterdir()) == []


def test_a_file_that_can_not_be_written_leaves_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for write in (atomic.write_text, atomic.export_text):
        with pytest.raises(OSError, match="folder"):
            write(tmp_path / "folder", "words")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
