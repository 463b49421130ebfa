"""What keeps two threads that open devices at the same moment from killing the process.

PySide6 6.11.3 makes a class of its own when it is first met, and not safely: the first ``start()`` of a
speaker or a microphone, which returns a ``QIODevice``, makes those of files, processes and sockets, to see
which it is. When both were opened at once, every second process died.
"""

import threading
from typing import Final

from PySide6.QtMultimedia import QtAudio

ONE_AT_A_TIME: Final = threading.Lock()
"""Held while a device is started."""

# Met here, once, before there is any thread.
FINE: Final = QtAudio.Error.NoError
BROKEN: Final = (QtAudio.Error.FatalError, QtAudio.Error.IOError)
STOPPED: Final = QtAudio.State.StoppedState
