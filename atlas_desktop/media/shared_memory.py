"""Memory that this program and one of its own processes both see; it is gone with the last of them.

``multiprocessing.shared_memory`` is not used: on POSIX it starts a process of its own to clean up after it,
which a frozen program can't.
"""

import mmap
import os
import sys
import tempfile
import uuid


class SharedMemory:
    """A piece of memory without a file that could be left behind.

    Attributes:
        view: Its bytes; zeros at first.
        name: Leads a process of ours to it: on Windows a name, elsewhere a descriptor that is inherited.
        inherited: The descriptors that this process must inherit.
    """

    def __init__(self, name: str, size: int) -> None:
        """Opens what ``create`` has made, in the other process."""
        self.name = name
        self.inherited: tuple[int, ...] = ()
        if sys.platform == "win32":
            self._map = mmap.mmap(-1, size, tagname=name)
        else:
            self._map = mmap.mmap(int(name), size)
            self.inherited = (int(name),)
        self.view = memoryview(self._map)

    @classmethod
    def create(cls, size: int) -> "SharedMemory":
        """Makes a new one, kept until the program ends."""
        if sys.platform == "win32":
            return cls(f"atlas-desktop-{uuid.uuid4()}", size)
        if sys.platform == "linux":
            descriptor = os.memfd_create("atlas-desktop")
        else:
            with tempfile.TemporaryFile() as file:
                descriptor = os.dup(file.fileno())
        os.ftruncate(descriptor, size)
        return cls(str(descriptor), size)

    def close(self) -> None:
        """Lets go of the descriptor, so that no further process can be led to it. The view stays."""
        for descriptor in self.inherited:
            os.close(descriptor)
        self.inherited = ()
