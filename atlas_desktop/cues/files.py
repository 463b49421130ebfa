"""Which files a drop means: a folder stands for the sound files in it."""

from collections.abc import Iterable
from pathlib import Path

from natsort import natsorted

from atlas_desktop.media.formats import sound_endings


def looks_like_sound(path: Path) -> bool:
    """Whether the name says sound, or video with sound. Any other file may be sound too."""
    return path.suffix.lower() in sound_endings()


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
