from pathlib import Path

from atlas_desktop.cues.files import looks_like_sound, sounds_in


def test_a_folder_gives_its_sound_files_in_natural_order(tmp_path: Path) -> None:
    for name in ("take10.wav", "take2.WAV", "Take1.mp3", "notes.txt", ".hidden.wav", "film.mp4"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "inner.wav").mkdir()
    assert [path.name for path in sounds_in(tmp_path)] == ["film.mp4", "Take1.mp3", "take2.WAV", "take10.wav"]


def test_an_empty_folder_gives_nothing(tmp_path: Path) -> None:
    assert sounds_in(tmp_path) == []


def test_names_that_say_sound() -> None:
    assert looks_like_sound(Path("x.M4A"))
    assert not looks_like_sound(Path("x.png"))
