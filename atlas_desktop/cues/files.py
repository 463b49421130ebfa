"""Which files are sound by their names, and which of a folder."""

from pathlib import Path

from natsort import natsorted

from atlas_desktop.errors import shown_name
from atlas_desktop.files import list_folder
from atlas_desktop.media.formats import sound_endings


def looks_like_sound(path: Path) -> bool:
    """Whether the name says sound, or video with sound. Any other file may be sound too."""
    return path.suffix.lower() in sound_endings()


def sounds_in(folder: Path) -> list[Path]:
    """The sound files right in ``folder``, in natural order. Blocks as long as the disk does.

    Raises:
        MediaError: It can't be listed.
    """
    found = list_folder(folder, looks_like_sound)
    return list(natsorted(found, key=lambda path: shown_name(path.name).casefold()))
