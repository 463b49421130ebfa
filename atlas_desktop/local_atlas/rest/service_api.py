"""The REST API of the service: what it is and who asks, and realtime sessions."""

import asyncio
import secrets
from typing import Any

from aiohttp import web

from atlas_desktop import __version__
from atlas_desktop.aio import TaskScope
from atlas_desktop.local_atlas.rest.accounts import (
    ACTIVE,
    BY_CLIENT,
    BY_LIMIT,
    BY_SHUTDOWN,
    MODES,
    AccountStore,
    SessionRecord,
)
from atlas_desktop.local_atlas.rest.face_input import face_in, fetch_face
from atlas_desktop.local_atlas.rest.fault_injector import FaultInjector
from atlas_desktop.local_atlas.rest.http_messages import (
    RefusedError,
    bad_request,
    json_response,
    not_found,
    read_form,
    read_json_object,
)
from atlas_desktop.local_atlas.rooms.room import Room
from atlas_desktop.local_atlas.rooms.room_server import RoomServer

_SESSIONS_PATH = "/v1/realtime/session"
_KEY_PREFIX_CHARS = 8


class ServiceApi:
    """``/``, ``/v1/{health,status,me}`` and realtime sessions. Thread: the event loop's.

    Args:
        key: The API key; ``GET /v1/me`` shows its first characters.
        room_url: Where LiveKit clients connect, ``ws://…``.
    """

    def __init__(
        self, key: str, room_url: str, accounts: AccountStore, rooms: RoomServer, faults: FaultInjector
    ) -> None:
        self._key = key
        self._room_url = room_url
        self._accounts = accounts
        self._rooms = rooms
        self._faults = faults
        self._scope = TaskScope("rest")
        self._limits: dict[str, asyncio.TimerHandle] = {}
        self._closed = False

    def routes(self) -> list[web.RouteDef]:
        session = _SESSIONS_PATH + "/{session_id}"
        return [
            web.get("/", self._index),
            web.get("/v1/health", self._health),
            web.get("/v1/status", self._status),
            web.get("/v1/me", self._me),
            web.post(_SESSIONS_PATH, self._create),
            web.get(session, self._read),
            web.patch(session, self._patch),
            web.delete(session, self._delete),
            web.post(session + "/viewer", self._viewer),
        ]

    async def aclose(self) -> None:
        """End every active session; its room is closed by the room server."""
        self._closed = True
        for record in self._accounts.active:
            self._accounts.end(record, BY_SHUTDOWN)
        for limit in self._limits.values():
            limit.cancel()
        await self._scope.aclose()

    # ---- the service

    async def _index(self, request: web.Request) -> web.Response:
        return json_response(
            {
                "name": "Atlas on this computer",
                "version": f"local-{__version__}",
                "endpoints": {
                    "health": "GET /v1/health",
                    "status": "GET /v1/status",
                    "me": "GET /v1/me",
                    "realtime": f"POST {_SESSIONS_PATH}",
                    "generate": "POST /v1/generate",
                    "jobs": "GET /v1/jobs",
                },
            }
        )

    async def _health(self, request: web.Request) -> web.Response:
        return json_response({"status": "ok", "sessions": len(self._accounts.active)})

    async def _status(self, request: web.Request) -> web.Response:
        generation = "busy" if self._accounts.is_full else "available"
        return json_response({"avatar_generation": generation, "voice_synthesis": "available"})

    async def _me(self, request: web.Request) -> web.Response:
        accounts = self._accounts
        return json_response(
            {
                "key_prefix": self._key[:_KEY_PREFIX_CHARS],
                "tier": "local",
                "rate_limit": {"requests": accounts.terms.requests_per_minute, "window_seconds": 60},
                "billing": {"credit_cents": accounts.credit_cents, "note": "Play money, kept in memory."},
            }
        )

    # ---- sessions

    async def _create(self, request: web.Request) -> web.Response:
        mode, face = await self._parse_create(request)
        if self._accounts.credit_cents <= 0:
            raise RefusedError(402, "insufficient_credits", "The account has no credit left.")
        if self._closed or self._accounts.is_full:
            raise RefusedError(503, "no_capacity", "All avatars are busy.")
        record = self._accounts.begin(mode)
        room = self._open_room(record, face)
        return json_response(
            {
                "session_id": record.session_id,
                "livekit_url": self._room_url,
                "token": room.token(),
                "room": room.name,
                "mode": mode,
                "max_duration_seconds": record.max_duration_s,
                "pricing": self._accounts.terms.pricing_text(mode),
            }
        )

    async def _read(self, request: web.Request) -> web.Response:
        record = self._record(request)
        return json_response(
            {
                "session_id": record.session_id,
                "status": record.status,
                "mode": record.mode,
                "room": record.room,
                "started_at": record.started_at,
                "ended_at": record.ended_at,
                "duration_seconds": round(self._accounts.billed_s(record), 3),
                "max_duration_seconds": record.max_duration_s,
            }
        )

    async def _patch(self, request: web.Request) -> web.Response:
        record = self._record(request)
        if request.content_type != "multipart/form-data":
            raise bad_request("missing_face", "Send the face as a file of a multipart form.")
        face = await face_in(await read_form(request), "face")
        if face is None:
            raise bad_request("missing_face", "The form has no file named face.")
        shown = self._active_room(record).set_face(face)
        return json_response(
            {"face_updated": True, "metadata_pushed": shown, "message": "The face was changed."}
        )

    async def _delete(self, request: web.Request) -> web.Response:
        record = self._record(request)
        if not self._end(record, BY_CLIENT):
            raise RefusedError(409, "already_ended", "The session has already ended.")
        return json_response(
            {
                "session_id": record.session_id,
                "status": record.status,
                "duration_seconds": round(self._accounts.billed_s(record), 3),
                "estimated_cost": round(self._accounts.cost_usd(record), 4),
                "credits_deducted_cents": record.deducted_cents,
            }
        )

    async def _viewer(self, request: web.Request) -> web.Response:
        room = self._active_room(self._record(request))
        viewer_id = f"viewer_{secrets.token_hex(6)}"
        return json_response(
            {
                "token": room.viewer_token(viewer_id),
                "livekit_url": self._room_url,
                "room": room.name,
                "viewer_id": viewer_id,
                "role": "viewer",
            }
        )

    async def _parse_create(self, request: web.Request) -> tuple[str, bytes | None]:
        """Return mode and face of a create, from either form of its body."""
        if request.content_type == "multipart/form-data":
            form = await read_form(request)
            return self._checked_mode(form.get("mode", MODES[0])), await face_in(form, "face")
        body = await read_json_object(request)
        mode = self._checked_mode(body.get("mode", MODES[0]))
        url = body.get("face_url")
        if url is not None and not isinstance(url, str):
            raise bad_request("invalid_face_url", "face_url must be an https:// address.")
        return mode, await fetch_face(url) if url else None

    def _checked_mode(self, mode: Any) -> str:
        if mode not in MODES:
            raise bad_request("invalid_mode", "Mode must be 'conversation' or 'passthrough'.")
        if mode not in self._accounts.terms.modes:
            raise bad_request("mode_not_available", f"The mode {mode} is not available here.")
        return str(mode)

    def _open_room(self, record: SessionRecord, face: bytes | None) -> Room:
        opened = False
        try:
            room = self._rooms.open(record.session_id, record.mode, face, self._faults.new_room_options())
            opened = True
        finally:
            if not opened:
                self._accounts.discard(record)
        record.room = room.name
        if record.max_duration_s is not None:
            loop = asyncio.get_running_loop()
            limit = loop.call_later(record.max_duration_s, self._end, record, BY_LIMIT)
            self._limits[record.session_id] = limit
        return room

    def _record(self, request: web.Request) -> SessionRecord:
        record = self._accounts.sessions.get(request.match_info["session_id"])
        if record is None:
            raise not_found("session")
        return record

    def _active_room(self, record: SessionRecord) -> Room:
        room = self._rooms.room(record.session_id) if record.status == ACTIVE else None
        if room is None:
            raise RefusedError(409, "session_not_active", "The session is not active.")
        return room

    def _end(self, record: SessionRecord, by: str) -> bool:
        """End a session; whether it was active until now. Its room closes in the background."""
        if not self._accounts.end(record, by):
            return False
        limit = self._limits.pop(record.session_id, None)
        if limit is not None:
            limit.cancel()
        self._scope.start(self._rooms.close(record.session_id), "close room")
        return True
