"""The hall of all rooms: LiveKit's addresses, and the doors behind them."""

import asyncio
import logging
from collections.abc import Callable

from aiohttp import web

from atlas_desktop.heap import give_back
from atlas_desktop.local_atlas.rooms.room import Room
from atlas_desktop.local_atlas.rooms.signalling import BadJoinError, Link, read_join, read_token
from atlas_desktop.local_atlas.rooms.tokens import Grant, TokenDesk, TokenRefusedError
from atlas_desktop.local_atlas.stage import Casting, RoomOptions

log = logging.getLogger(__name__)

MESSAGE_LIMIT_BYTES = 1_000_000
_CLOSING_FRAME_LIMIT_S = 0.3


class RoomHall:
    """All rooms of this process, by session. Thread: the event loop's."""

    def __init__(self, casting: Casting, admitted: Callable[[web.Request], None] | None = None) -> None:
        """Prepares; no room is open.

        Args:
            casting: Makes the avatars.
            admitted: Is told of each request with a good token.
        """
        self.tokens = TokenDesk()
        self._casting = casting
        self._admitted = admitted
        self._rooms: dict[str, Room] = {}

    def routes(self) -> list[web.RouteDef]:
        """The hall's addresses, to be added to the application."""
        return [
            web.get("/rtc/v1", self._join),
            web.get("/rtc/v1/validate", self._validate),
            web.get("/rtc", self._old),
            web.get("/rtc/validate", self._validate),
        ]

    def open(self, session_id: str, mode: str, face: bytes | None, options: RoomOptions) -> Room:
        """Opens a room; its avatar waits for the first person."""
        room = Room(session_id, mode, face, options, self._casting, self.tokens)
        self._rooms[session_id] = room
        return room

    def room(self, session_id: str) -> Room | None:
        """The open room of a session."""
        return self._rooms.get(session_id)

    async def close(self, session_id: str) -> None:
        """Ends a room: clients are told to leave, the avatar stops. Does nothing when it is closed."""
        room = self._rooms.pop(session_id, None)
        if room is not None:
            await room.aclose()
            del room
            # A room is a web of cycles around 9 MB of pictures; left alone, the collector, which counts
            # objects and not bytes, lets dozens of them pile up.
            give_back()

    async def aclose(self) -> None:
        """Ends all rooms."""
        await asyncio.gather(*(self.close(session_id) for session_id in tuple(self._rooms)))

    async def _join(self, request: web.Request) -> web.StreamResponse:
        grant, room = self._admit(request)
        try:
            join = read_join(request.query.get("join_request", ""))
        except BadJoinError as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        await asyncio.sleep(room.options.connect_delay_s)
        await room.wait_reachable()
        # A client that says goodbye does not always answer the closing frame: it is not waited for long.
        socket = web.WebSocketResponse(
            timeout=_CLOSING_FRAME_LIMIT_S, max_msg_size=MESSAGE_LIMIT_BYTES, compress=False
        )
        await socket.prepare(request)
        link = Link(socket, request)
        try:
            await room.serve(link, grant, join)
        finally:
            await link.aclose()
        return socket

    async def _validate(self, request: web.Request) -> web.Response:
        self._admit(request)
        return web.Response(text="success")

    async def _old(self, request: web.Request) -> web.Response:
        self._admit(request)
        raise web.HTTPNotFound(text="this room speaks version 1 of the signalling only: /rtc/v1")

    def _admit(self, request: web.Request) -> tuple[Grant, Room]:
        # Never 404 here: it is the one status that makes a client try the older protocol.
        try:
            grant = self.tokens.read(read_token(request))
        except TokenRefusedError as error:
            raise web.HTTPUnauthorized(text=str(error)) from error
        if self._admitted is not None:
            self._admitted(request)
        room = next((room for room in self._rooms.values() if room.name == grant.room), None)
        if room is None:
            raise web.HTTPForbidden(text="the room is closed")
        if room.options.refuse_status:
            raise refusal(room.options.refuse_status, room.options.refuse_text)
        return grant, room


def refusal(status: int, text: str) -> web.HTTPException:
    """An HTTP error of any status."""

    class Refusal(web.HTTPError):
        status_code = status

    return Refusal(text=text, reason="Refused")
