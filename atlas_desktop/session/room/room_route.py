"""The route of a room's signalling: direct, or through the proxy that ``proxies`` selects for it."""

import asyncio
from typing import Final, Self
from urllib.parse import urlsplit

from atlas_desktop import native_environment
from atlas_desktop.errors import (
    MediaBlockedError,
    ProxyBlocksMediaError,
    ProxyBlocksRoomError,
    RoomError,
    RoomProxyError,
    RoomUnreachableError,
)
from atlas_desktop.proxies import Proxy, proxy_for
from atlas_desktop.session.room.proxy_tunnel import NO_ANSWER, ProxyTunnel
from atlas_desktop.session.room.room_errors import join_error

_ANSWERED_OTHERWISE: Final = "handshake error:"
"""The SDK's message (1.2.1) for an answer that is neither a room's nor a refusal, such as a log-in page."""


class RoomRoute:
    """The route to one room, held from before the join until it is left. Thread: one event loop.

    The SDK uses the same route when it reconnects.
    """

    def __init__(self, host: str, proxy: Proxy | None, tunnel: ProxyTunnel | None) -> None:
        self._host = host
        self._proxy = proxy
        self._tunnel = tunnel

    @classmethod
    async def open(cls, url: str) -> Self:
        """Route the SDK's next connections to ``url``.

        Raises:
            BadProxyError: The proxy setting can't be used.
            RoomProxyError: The tunnel through it could not be opened.
        """
        proxy = await asyncio.to_thread(proxy_for, url)
        tunnel = None
        if proxy is not None:
            tunnel = ProxyTunnel(proxy)
            try:
                await tunnel.open()
            except (OSError, RuntimeError) as error:
                await tunnel.aclose()
                raise RoomProxyError(
                    proxy=proxy.address, name=proxy.source, detail=type(error).__name__
                ) from error
        route = cls(urlsplit(url).hostname or "", proxy, tunnel)
        native_environment.set_proxy(route, tunnel.address if tunnel is not None else "")
        return route

    @property
    def barred_by(self) -> str:
        """The address of the proxy that refused the last connection; empty: none."""
        is_barred = self._tunnel is not None and self._tunnel.refusal
        return self._proxy.address if self._proxy is not None and is_barred else ""

    def error_for(self, message: str) -> RoomError:
        """Return the error for a failed connection; ``message`` is that of LiveKit's ``ConnectError``."""
        error = join_error(message)
        if self._proxy is None or self._tunnel is None:
            return error
        proxy, detail = self._proxy.address, error.params["detail"]
        if self._tunnel.refusal:
            return RoomProxyError(proxy=proxy, name=self._proxy.source, detail=self._tunnel.refusal)
        if not self._tunnel.joined:
            return error
        if isinstance(error, MediaBlockedError):
            return ProxyBlocksMediaError(proxy=proxy, host=self._host, detail=detail)
        if isinstance(error, RoomUnreachableError) or _ANSWERED_OTHERWISE in detail:
            detail = NO_ANSWER if self._tunnel.is_silent else detail
            return ProxyBlocksRoomError(proxy=proxy, host=self._host, detail=detail)
        return error

    async def aclose(self) -> None:
        """Release the route; may be called twice."""
        native_environment.restore_proxy(self)
        if self._tunnel is not None:
            await self._tunnel.aclose()
