import os
from pathlib import Path

import pytest

from atlas_desktop.storage.environment import Environment
from atlas_desktop.storage.profile import Profile


def test_a_given_folder_is_made_private_and_names_itself(tmp_path: Path) -> None:
    profile = Profile.at(tmp_path / "a" / ".." / "b")
    profile.ensure()
    profile.ensure()
    assert profile.folder == tmp_path / "b"
    assert profile.name == str(tmp_path / "b")
    assert profile.folder.stat().st_mode & 0o077 == 0
    for file in (profile.settings_file, profile.log_file, profile.transcripts_folder):
        assert profile.folder in file.parents


def test_a_folder_that_is_no_utf8_has_a_name_that_a_keyring_takes(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9 \xc3\xa9")
    profile = Profile.at(folder)
    assert profile.folder == folder
    assert profile.name == f"{tmp_path}/caf\\xe9 é"


def test_the_users_own_profile_follows_the_platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    profile = Profile.at(None)
    assert profile.name == "default"
    assert profile.folder.name == "atlas-desktop"


@pytest.mark.parametrize(
    ("variables", "base"),
    [
        ({}, ""),
        ({"ATLAS_API_BASE": "https://a"}, "https://a"),
        ({"ATLAS_API_URL": " https://b\n"}, "https://b"),
        ({"ATLAS_API_BASE": "https://a", "ATLAS_API_URL": "https://b"}, "https://a"),
        ({"ATLAS_API_BASE": "", "ATLAS_API_URL": "https://b"}, "https://b"),
    ],
)
def test_both_names_of_the_base_are_known(variables: dict[str, str], base: str) -> None:
    assert Environment.read(variables).api_base == base


def test_the_environments_key_is_not_shown() -> None:
    found = Environment.read({"ATLAS_API_KEY": "ak_secret", "ATLAS_BACKEND_URL": "https://c "})
    assert found.api_key == "ak_secret"
    assert found.backend_url == "https://c"
    assert "ak_secret" not in repr(found)


def test_a_folder_that_can_not_be_found_out_is_an_error_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(OSError, match="circle"):
        Profile.at(tmp_path / "circle" / "profile")
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(FileNotFoundError):
        Profile.at(Path("profile"))
