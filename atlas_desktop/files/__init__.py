"""The user's files: found, opened and listed in ways that never block the window.

``names`` turns URLs into paths, ``opening`` accesses the disk and maps its errors to ours, ``threads`` does
so outside the event loop with a time limit for disks that don't answer, ``writer`` writes in order. No Qt.
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
