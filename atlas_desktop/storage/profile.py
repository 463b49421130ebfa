"""The folder in which everything of ours on this computer lies, but for the keys."""

import errno
import os
from dataclasses import dataclass
from pathlib import Path

_APPLICATION = "atlas-desktop"


@dataclass(frozen=True, slots=True)
class Profile:
    """One user's folder.

    Attributes:
        folder: Absolute; exists once ``ensure`` was called.
        name: Tells profiles apart in the keyring; the same as long as the folder stays where it is.
    """

    folder: Path
    name: str

    @classmethod
    def at(cls, folder: Path | None) -> "Profile":
        """The profile in ``folder``, or the user's own when ``None``.

        Raises:
            OSError: ``folder`` can't be found out: the current folder is gone, links lead in a circle.
        """
        if folder is not None:
            try:
                absolute = folder.expanduser().resolve()
            except RuntimeError as error:  # Python 3.11's word for a circle of links, or an unknown user
                raise OSError(errno.ELOOP, str(error)) from error
            # A keyring takes UTF-8 only.
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
        """What the program wrote as it crashed, each time."""
        return self.folder / "log" / "crash.log"

    @property
    def work_file(self) -> Path:
        """The work in hand, while a window is open."""
        return self.folder / "work.json"

    @property
    def transcripts_folder(self) -> Path:
        return self.folder / "transcripts"

    @property
    def billing_journal(self) -> Path:
        return self.folder / "billing" / "sessions.jsonl"

    @property
    def guards_folder(self) -> Path:
        """Holds one lock file for each guard that lives."""
        return self.folder / "billing" / "guards"

    def ensure(self) -> None:
        """Makes the folder, readable by its owner only.

        Raises:
            OSError: It can't be made.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
