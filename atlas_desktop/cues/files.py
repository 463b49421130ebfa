"""Which files a drop means: a folder stands for the sound files in it."""

from collections.abc import Iterable
from pathlib import Path

from natsort import natsorted

SOUND_SUFFIXES = frozenset(
    {
        *(".aac", ".ac3", ".aif", ".aifc", ".aiff", ".alac", ".amr", ".ape", ".au", ".caf", ".flac"),
        *(".m4a", ".m4b", ".mka", ".mp2", ".mp3", ".mpc", ".oga", ".ogg", ".opus", ".ra", ".snd"),
        *(".spx", ".tta", ".voc", ".w64", ".wav", ".wave", ".weba", ".wma", ".wv"),
        *(".3gp", ".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv"),
        *(".ts", ".webm", ".wmv"),
    }
)
"""What is taken from a folder, and what is sound at first sight. Any other file may be sound too."""


def looks_like_sound(path: Path) -> bool:
    """Whether the name says sound, or video with sound."""
    return path.suffix.lower() in SOUND_SUFFIXES


def expand(paths: Iterable[Path]) -> list[Path]:
    """Replaces each folder by its sound files in natural order (2 before 10); the rest keeps its order.

    Folders inside a folder, hidden files and folders that can't be read give nothing.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files.extend(_sound_files(path))
        else:
            files.append(path)
    return files


def _sound_files(folder: Path) -> list[Path]:
    try:
        inside = [path for path in folder.iterdir() if looks_like_sound(path)]
    except OSError:
        return []
    visible = [path for path in inside if not path.name.startswith(".") and path.is_file()]
    return list(natsorted(visible, key=lambda path: path.name.casefold()))
