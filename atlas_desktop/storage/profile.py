"""The folder of everything that this program stores, except for keys."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from atlas_desktop.private_files import ForeignFolderError, close_to_others, is_ours, make_folder

_APPLICATION = "atlas-desktop"
_FILES = ("settings*.json", "work.json", "running.json", "running.lock", "picture-path.*", "instance*")
_TEMPORARY = (".settings*", ".work.json-*", ".picture-path*")
_FOLDERS = ("log", "transcripts", "billing", "billing/guards")
"""All that this program stores in a profile; anything else in the folder belongs to its owner."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One user's folder.

    Attributes:
        folder: Absolute; exists once ``ensure`` was called.
        name: Distinguishes profiles in the keyring; stable as long as the folder is not moved.
    """

    folder: Path
    name: str

    @classmethod
    def at(cls, folder: Path | None) -> "Profile":
        """Return the profile in ``folder``, or the user's own when ``None``.

        Raises:
            OSError: ``folder`` can't be resolved: the current folder is gone, links form a loop.
        """
        if folder is not None:
            try:
                absolute = folder.expanduser().resolve()
            except RuntimeError as error:  # Python 3.11's word for a circle of links, or an unknown user
                raise OSError(errno.ELOOP, str(error)) from error
            # A keyring accepts UTF-8 only.
            return cls(absolute, os.fsencode(absolute).decode("utf-8", "backslashreplace"))
        from platformdirs import user_data_path

        return cls(user_data_path(_APPLICATION, appauthor=False), "default")

    @property
    def settings_file(self) -> Path:
        return self.folder / "settings.json"

    @property
    def log_file(self) -> Path:
        return self.folder / "log" / "atlas-desktop.log"

    @property
    def crash_log(self) -> Path:
        """The stacks of all crashes of the program."""
        return self.folder / "log" / "crash.log"

    @property
    def work_file(self) -> Path:
        """The clips and the draft of the running session, while a window is open."""
        return self.folder / "work.json"

    @property
    def transcripts_folder(self) -> Path:
        return self.folder / "transcripts"

    @property
    def billing_journal(self) -> Path:
        return self.folder / "billing" / "sessions.jsonl"

    @property
    def guards_folder(self) -> Path:
        """One lock file for each running guard."""
        return self.folder / "billing" / "guards"

    def check_owner(self) -> None:
        """Refuse a folder of another user, who could read and write what is stored there.

        Raises:
            ForeignFolderError: It exists, and is not ours.
            OSError: It can't be examined.
        """
        try:
            found = self.folder.stat()
        except FileNotFoundError:
            return
        if not is_ours(found):
            raise ForeignFolderError(self.folder)

    def ensure(self) -> None:
        """Create the folder, readable by its owner only; one that was left open to others is closed.

        Raises:
            ForeignFolderError: It is another user's.
            OSError: It can't be created.
        """
        make_folder(self.folder)
        self.check_owner()
        if self._is_left_open():
            close_to_others([self.folder])

    def close_to_others(self) -> None:
        """Revoke other users' permissions on all of ours in the folder: earlier versions left some.

        Thread: any; it blocks for the disk.
        """
        with suppress(OSError):
            close_to_others(self._kept())

    def _kept(self) -> Iterator[Path]:
        for pattern in _FILES:
            yield from self.folder.glob(pattern)
        for name in _FOLDERS:
            folder = self.folder / name
            # A link leads to a folder elsewhere, with other content.
            if not folder.is_symlink():
                yield folder
                yield from folder.glob("*")

    def _is_left_open(self) -> bool:
        """Return whether others may enter and only our files are in it: ``--profile`` may name any folder."""
        mode = self.folder.stat().st_mode
        if not mode & 0o077 or mode & stat.S_ISVTX:
            return False
        names = {path.name for path in self.folder.iterdir()}
        ours = {path.name for pattern in (*_FILES, *_TEMPORARY) for path in self.folder.glob(pattern)}
        return names <= ours | {name for name in _FOLDERS if "/" not in name}
