"""The server of all rooms: LiveKit's HTTP routes, and access to the rooms behind them."""

import asyncio

from aiohttp import web

from atlas_desktop.heap import trim_heap
from atlas_desktop.local_atlas.connections import Connections
from atlas_desktop.local_atlas.interfaces import AvatarFactory, RoomOptions
from atlas_desktop.local_atlas.rooms.access_tokens import Grant, TokenIssuer, TokenRefusedError
from atlas_desktop.local_atlas.rooms.room import Room
from atlas_desktop.local_atlas.rooms.signalling import BadJoinError, SignalConnection, read_join, read_token

MESSAGE_LIMIT_BYTES = 1_000_000  # the largest offer accepted has 400 kB
_CLOSE_FRAME_LIMIT_S = 0.3


class RoomServer:
    """All rooms of this process, by session. Thread: the event loop's.

    Args:
        create_avatar: Creates the avatar of each room.
        connections: Where authenticated connections are marked.
    """

    def __init__(self, create_avatar: AvatarFactory, connections: Connections) -> None:
        self.tokens = TokenIssuer()
        self._create_avatar = create_avatar
        self._connections = connections
        self._rooms: dict[str, Room] = {}

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/rtc/v1", self._join),
            web.get("/rtc/v1/validate", self._validate),
            web.get("/rtc", self._refuse_version_0),
            web.get("/rtc/validate", self._validate),
        ]

    def open(self, session_id: str, mode: str, face: bytes | None, options: RoomOptions) -> Room:
        """Open a room; its avatar joins with the first participant."""
        room = Room(session_id, mode, face, options, self._create_avatar, self.tokens)
        self._rooms[session_id] = room
        return room

    def room(self, session_id: str) -> Room | None:
        """Return the open room of a session."""
        return self._rooms.get(session_id)

    async def close(self, session_id: str) -> None:
        """Close a room: its clients are disconnected, its avatar stops. A closed room is ignored."""
        room = self._rooms.pop(session_id, None)
        if room is not None:
            await room.aclose()
            del room
            # A room is a graph of cycles around 9 MB of frames. The garbage collector counts objects,
            # not bytes, and would let dozens of them pile up.
            trim_heap()

    async def aclose(self) -> None:
        """Close all rooms."""
        await asyncio.gather(*(self.close(session_id) for session_id in tuple(self._rooms)))

    async def _join(self, request: web.Request) -> web.StreamResponse:
        grant, room = self._authenticate(request)
        try:
            join = read_join(request.query.get("join_request", ""))
        except BadJoinError as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        await asyncio.sleep(room.options.connect_delay_s)
        await room.wait_reachable()
        # A client that leaves does not always answer the close frame: don't wait long for it.
        socket = web.WebSocketResponse(
            timeout=_CLOSE_FRAME_LIMIT_S, max_msg_size=MESSAGE_LIMIT_BYTES, compress=False
        )
        await socket.prepare(request)
        connection = SignalConnection(socket, request)
        try:
            await room.serve(connection, grant, join)
        finally:
            await connection.aclose()
        return socket

    async def _validate(self, request: web.Request) -> web.Response:
        self._authenticate(request)
        return web.Response(text="success")

    async def _refuse_version_0(self, request: web.Request) -> web.Response:
        self._authenticate(request)
        raise web.HTTPNotFound(text="this room speaks version 1 of the signalling only: /rtc/v1")

    def _authenticate(self, request: web.Request) -> tuple[Grant, Room]:
        # Never 404 here: it is the one status that makes a client fall back to signalling version 0.
        try:
            grant = self.tokens.read(read_token(request))
        except TokenRefusedError as error:
            raise web.HTTPUnauthorized(text=str(error)) from error
        self._connections.admit(request)
        room = next((room for room in self._rooms.values() if room.name == grant.room), None)
        if room is None:
            raise web.HTTPForbidden(text="the room is closed")
        if room.options.refuse_status:
            raise _InjectedRefusal(room.options.refuse_status, room.options.refuse_text)
        return grant, room


class _InjectedRefusal(web.HTTPError):
    """A refusal with any status."""

    def __init__(self, status: int, text: str) -> None:
        # aiohttp reads the status from the class, which has one for each of its own errors.
        self.status_code = status
        super().__init__(text=text, reason="Refused")
