"""Access to files that the user names, such that no file, pipe or dead disk can block the window.

``names`` parses addresses, ``opening`` opens and lists and maps the system's errors to ours, ``threads`` runs
that off the event loop with a limit for disks that do not answer, ``writer`` writes in order. No Qt.
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
