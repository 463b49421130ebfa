"""Starting our own processes: the one way, and the one way in which they end.

A child is this same program in another role. It ends at end-of-file on its standard input, so it
dies with us however we die; secrets travel over its pipes only, never in its argument list.
"""

import asyncio
import json
import logging
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self

from atlas_desktop.aio import TaskScope
from atlas_desktop.errors import ChildError
from atlas_desktop.options import CHILD_FLAG

log = logging.getLogger(__name__)

_START_LIMIT_S = 20.0
END_LIMIT_S = 2.0
_LAST_WORDS_LINES = 20


def command(role: str, *arguments: str) -> list[str]:
    """The argument list that starts this program in ``role`` as a child, in a checkout and when frozen."""
    frozen = getattr(sys, "frozen", False)
    program = [sys.executable] if frozen else [sys.executable, "-m", "atlas_desktop"]
    return [*program, role, CHILD_FLAG, *arguments]


class Child:
    """A running process of ours that has said its first line.

    Attributes:
        first_line: The JSON object that the child printed first.
        on_exit: Called once, on the loop, with the exit status, when the child ends unasked.
    """

    def __init__(self, role: str, process: asyncio.subprocess.Process) -> None:
        self.role = role
        self.first_line: dict[str, Any] = {}
        self.on_exit: Callable[[int], None] | None = None
        self._process = process
        self._ending = False
        self._last_words: deque[str] = deque(maxlen=_LAST_WORDS_LINES)
        self._scope = TaskScope(f"child.{role}")

    @classmethod
    async def start(cls, role: str, *arguments: str) -> Self:
        """Starts ``role`` and waits for its first line.

        Raises:
            ChildError: It could not be started, died, or said nothing sensible within 20 s.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                *command(role, *arguments),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                # A Ctrl-C at the terminal is for the program, which then ends its child by the pipe.
                start_new_session=True,
            )
        except OSError as error:
            raise ChildError(role=role, detail=error.strerror or str(error)) from error
        child = cls(role, process)
        child._scope.start(child._listen(), "stderr")
        try:
            await child._read_first_line()
        except BaseException:
            await child.aclose()
            raise
        child._scope.start(child._watch(), "watch")
        return child

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.returncode is None

    async def aclose(self) -> None:
        """Ends the child: end-of-file first, after two seconds by force."""
        self._ending = True
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), END_LIMIT_S)
        except TimeoutError:
            log.warning("child %s did not end by itself", self.role)
            self._process.kill()
            await self._process.wait()
        await self._scope.join(END_LIMIT_S)
        await self._scope.aclose()

    async def _read_first_line(self) -> None:
        assert self._process.stdout is not None
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), _START_LIMIT_S)
            answer = json.loads(line)
        except (TimeoutError, ValueError) as error:
            if self._process.returncode is None and not isinstance(error, TimeoutError):
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._process.wait(), END_LIMIT_S)
            raise ChildError(role=self.role, detail=self._reason(error)) from error
        if not isinstance(answer, dict):
            raise ChildError(role=self.role, detail=f"unexpected first line: {answer!r}")
        self.first_line = answer

    def _reason(self, error: Exception) -> str:
        if self._last_words:
            return self._last_words[-1]
        return "no answer in time" if isinstance(error, TimeoutError) else "it ended at once"

    async def _listen(self) -> None:
        stderr = self._process.stderr
        assert stderr is not None
        while not stderr.at_eof():
            try:
                raw = await stderr.readline()
            except ValueError:
                continue  # longer than the reader takes: dropped, but read, or the child would block
            line = raw.decode(errors="replace").rstrip()
            if line:
                self._last_words.append(line)
                log.info("%s: %s", self.role, line)

    async def _watch(self) -> None:
        status = await self._process.wait()
        if not self._ending:
            log.warning("child %s ended with status %s", self.role, status)
            if self.on_exit is not None:
                self.on_exit(status)
