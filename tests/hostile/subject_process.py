"""A process that takes hostile things, one a line, and may die of them or never come back."""

import contextlib
import json
import signal
import subprocess
import sys
import threading
from typing import Any, Final

# Of the clock, as others may use the processor too.
_WAIT_S: Final = 60.0


class SubjectProcess:
    """Runs ``module``, which says a line of JSON when it is ready and one for each line that it takes.

    Args:
        module: What is run.
        arguments: Its command line.
    """

    def __init__(self, module: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-X", "faulthandler", "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        self._answer()

    def take(self, line: str) -> dict[str, Any] | None:
        """What became of it; ``None`` when the process died or hangs."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{line}\n")
            self._process.stdin.flush()
        except OSError:
            return None
        return self._answer()

    def end(self) -> str:
        """End it; how it ended before, in words."""
        status = self._process.poll()
        if status is None:
            self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        if status is None:
            return "hangs"
        return f"killed by {signal.Signals(-status).name}" if status < 0 else f"ended with {status}"

    def _answer(self) -> dict[str, Any] | None:
        assert self._process.stdout is not None
        watch = threading.Timer(_WAIT_S, self._process.kill)
        watch.start()
        line = self._process.stdout.readline()
        watch.cancel()
        if not line:
            self._process.wait()
            return None
        answer: dict[str, Any] = json.loads(line)
        return answer
