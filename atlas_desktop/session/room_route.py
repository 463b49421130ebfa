"""How a room's signalling is reached: directly, or through the proxy that ``proxies`` names for it."""

import asyncio
import re
from typing import Final, Self
from urllib.parse import urlsplit

from atlas_desktop import native_proxy
from atlas_desktop.errors import MediaBlockedError, RoomError, RoomProxyError, RoomRefusedError
from atlas_desktop.proxies import Proxy, proxy_for
from atlas_desktop.session.proxy_tunnel import ProxyTunnel

_NO_MEDIA: Final = re.compile(r"(?i)pc_connection|peer ?connection|ice\b|dtls")
"""How the SDK words it when signalling is up and WebRTC is not ("wait_pc_connection timed out")."""


class RoomRoute:
    """The way to one room, from before it is joined until it is left. Thread: one event loop.

    The SDK comes back to the same way when it reconnects.
    """

    def __init__(self, host: str, proxy: Proxy | None, tunnel: ProxyTunnel | None) -> None:
        self._host = host
        self._proxy = proxy
        self._tunnel = tunnel

    @classmethod
    async def open(cls, url: str) -> Self:
        """Leads the SDK's next connections to ``url``.

        Raises:
            BadProxyError: What names the proxy can't be used.
            RoomProxyError: The way through it could not be prepared.
        """
        proxy = await asyncio.to_thread(proxy_for, url)
        tunnel = None
        if proxy is not None:
            tunnel = ProxyTunnel(proxy)
            try:
                await tunnel.open()
            except (OSError, RuntimeError) as error:
                raise RoomProxyError(proxy=proxy.address, detail=type(error).__name__) from error
        route = cls(urlsplit(url).hostname or "", proxy, tunnel)
        native_proxy.hold(route, tunnel.address if tunnel is not None else "")
        return route

    def error_for(self, detail: str) -> RoomError:
        """The error that a failed connection means; ``detail`` is the SDK's own line."""
        if self._proxy is None or self._tunnel is None:
            return RoomRefusedError(detail=detail)
        if self._tunnel.refusal:
            return RoomProxyError(proxy=self._proxy.address, detail=self._tunnel.refusal)
        if self._tunnel.joined and _NO_MEDIA.search(detail):
            return MediaBlockedError(proxy=self._proxy.address, host=self._host, detail=detail)
        return RoomRefusedError(detail=detail)

    async def aclose(self) -> None:
        """Gives the way up; may be called twice."""
        native_proxy.release(self)
        if self._tunnel is not None:
            await self._tunnel.aclose()
