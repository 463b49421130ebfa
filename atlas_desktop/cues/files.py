"""Which files a drop means: a folder stands for the sound files in it."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from natsort import natsorted

from atlas_desktop.errors import MediaError, shown_name
from atlas_desktop.files import PathKind, list_folder, probe_path
from atlas_desktop.media.formats import sound_endings


def looks_like_sound(path: Path) -> bool:
    """Whether the name says sound, or video with sound. Any other file may be sound too."""
    return path.suffix.lower() in sound_endings()


def expand(paths: Iterable[Path]) -> list[Path]:
    """Replaces each folder by its sound files in natural order (2 before 10); the rest keeps its order.

    Folders inside a folder, hidden files and folders that can't be read give nothing. Blocks as long as
    the disk does.
    """
    files: list[Path] = []
    for path in paths:
        if not _is_folder(path):
            files.append(path)
            continue
        with suppress(MediaError):
            files.extend(sounds_in(path))
    return files


def sounds_in(folder: Path) -> list[Path]:
    """The sound files right in ``folder``, in natural order. Blocks as long as the disk does.

    Raises:
        MediaError: It can't be listed.
    """
    found = list_folder(folder, looks_like_sound)
    return list(natsorted(found, key=lambda path: shown_name(path.name).casefold()))


def _is_folder(path: Path) -> bool:
    try:
        return probe_path(path) is PathKind.FOLDER
    except MediaError:
        return False
