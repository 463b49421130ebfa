"""Whether a request was sent to the service: one that failed before can't have made a session."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

_LEAVES: Final = ".send_request_headers.started"
_TO_A_PROXY: Final = b"CONNECT"


class SendMonitor:
    """Follows one request through httpcore, and limits the time until it is sent.

    Args:
        is_sent: The initial assumption.

    Attributes:
        is_sent: Whether a first byte of it may have reached the service. A CONNECT to a proxy does not
            count, nor do name servers and TLS.
    """

    def __init__(self, *, is_sent: bool = False) -> None:
        self.is_sent = is_sent
        self._limit: asyncio.Timeout | None = None
        self._until_s = 0.0

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Handle an event of httpcore's ``trace`` extension."""
        if event.endswith(_LEAVES) and info["request"].method != _TO_A_PROXY and not self.is_sent:
            self.is_sent = True
            if self._limit is not None:
                self._limit.reschedule(self._until_s)

    def note_answer(self, rest_s: float) -> None:
        """Allow ``rest_s`` for the rest of a response that has begun, within the limit of the whole."""
        if self._limit is not None:
            self._limit.reschedule(min(self._until_s, asyncio.get_running_loop().time() + rest_s))

    @asynccontextmanager
    async def limited(self, way_s: float, whole_s: float) -> AsyncIterator[None]:
        """Limit the time until it is sent to ``way_s``, a proxy included, and the whole to ``whole_s``.

        Raises:
            TimeoutError: It took longer.
        """
        self._until_s = asyncio.get_running_loop().time() + whole_s
        async with asyncio.timeout(whole_s if self.is_sent else way_s) as self._limit:
            yield
