"""What the user names on disk: found, opened and listed here, so that nothing of it can stop the window.

``names`` turns addresses into paths, ``opening`` touches the disk and maps what it says to our errors,
``threads`` does so away from the event loop and stops waiting for a disk that doesn't answer, ``writer``
writes in order. No Qt.
"""

from atlas_desktop.files.names import absolute, addresses_in, as_given, path_of_address
from atlas_desktop.files.opening import PathKind, RegularFile, list_folder, mapped, open_regular, probe_path
from atlas_desktop.files.threads import SILENCE_LIMIT_S, AnswerClock, FileThreads
from atlas_desktop.files.writer import FileWriter

__all__ = [
    "SILENCE_LIMIT_S",
    "AnswerClock",
    "FileThreads",
    "FileWriter",
    "PathKind",
    "RegularFile",
    "absolute",
    "addresses_in",
    "as_given",
    "list_folder",
    "mapped",
    "open_regular",
    "path_of_address",
    "probe_path",
]
