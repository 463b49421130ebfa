"""The program that is hurt: ``python -m tests.faults.victim PROFILE``; told what to do on its stdin.

It prints a JSON line for each change of its session's life, and one with the guard's process at first.
"""

import asyncio
import ctypes
import json
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from atlas_desktop import app
from atlas_desktop.options import WindowOptions
from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.session.state import Failed

_STUCK_S = 3600


class Victim:
    """Obeys, until it is hurt."""

    def __init__(self, program: app.Program) -> None:
        self._program = program
        self._life = ""
        self._guard_pid: int | None = None
        model = program.assembly.model
        self._orders: dict[str, Callable[[], object]] = {
            "start": model.start,
            "end": model.end,
            "cancel": model.end,
            "close": program.window.close,
            "raise": _raise,
            "stick": lambda: time.sleep(_STUCK_S),
            # PyDLL keeps the interpreter's lock during the call.
            "stick-gil": lambda: ctypes.PyDLL(None).sleep(_STUCK_S),
            "abort": lambda: threading.Thread(target=ctypes.CDLL(None).abort).start(),
        }

    async def run(self) -> int:
        """Until the program is told to go."""
        loop = asyncio.get_running_loop()
        self._program.assembly.session.on_change(self._tell_life)
        threading.Thread(target=self._listen, args=(loop,), daemon=True).start()
        while True:
            self._tell_guard()
            await asyncio.sleep(0.05)

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(self._orders[line.strip()])

    def _tell_life(self, snapshot: SessionSnapshot) -> None:
        life = type(snapshot.state).__name__
        if life != self._life:
            self._life = life
            error = snapshot.state.error if isinstance(snapshot.state, Failed) else None
            _tell(life=life, **({} if error is None else {"error": error.code}))

    def _tell_guard(self) -> None:
        pid = self._program.assembly.guard.pid
        if pid != self._guard_pid:
            self._guard_pid = pid
            _tell(guard=pid)


def _raise() -> None:
    raise RuntimeError("an unhandled error, for the fault campaign")


def _tell(**words: object) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


def main(profile: Path) -> int:
    """Opens the window and waits for orders."""
    return app.run(WindowOptions(profile=profile), lambda program: Victim(program).run())


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
