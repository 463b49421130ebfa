"""The REST desk: Atlas's calls about realtime sessions."""

import asyncio
import secrets
from typing import Any

from aiohttp import web

from atlas_desktop.local_atlas.avatar.face_address import fetched_face
from atlas_desktop.local_atlas.avatar.faces import picture_in
from atlas_desktop.local_atlas.rest.answers import RefusedError, answer, bad_request, not_found
from atlas_desktop.local_atlas.rest.bodies import json_object, multipart
from atlas_desktop.local_atlas.rest.books import (
    ACTIVE,
    BY_CLIENT,
    BY_LIMIT,
    BY_SHUTDOWN,
    MODES,
    Books,
    SessionEntry,
)
from atlas_desktop.local_atlas.rest.fault_desk import FaultDesk
from atlas_desktop.local_atlas.scope import Scope
from atlas_desktop.local_atlas.stage import HallDesk, RoomDesk

SESSIONS_PATH = "/v1/realtime/session"


class RestDesk:
    """Realtime sessions over HTTP. Thread: the event loop's.

    Args:
        room_url: Where LiveKit clients connect to, ``ws://…``.
    """

    def __init__(self, room_url: str, books: Books, hall: HallDesk, faults: FaultDesk) -> None:
        self._room_url = room_url
        self._books = books
        self._hall = hall
        self._faults = faults
        self._scope = Scope("rest")
        self._limits: dict[str, asyncio.Task[Any]] = {}

    def routes(self) -> list[web.RouteDef]:
        one = SESSIONS_PATH + "/{session_id}"
        return [
            web.post(SESSIONS_PATH, self._create),
            web.get(one, self._read),
            web.patch(one, self._patch),
            web.delete(one, self._delete),
            web.post(one + "/viewer", self._viewer),
        ]

    async def aclose(self) -> None:
        """Ends every session in the books; the rooms are the hall's to close."""
        for entry in self._books.active:
            self._books.end(entry, BY_SHUTDOWN)
        await self._scope.aclose()

    async def _create(self, request: web.Request) -> web.Response:
        mode, face = await self._order(request)
        if self._books.credit_cents <= 0:
            raise RefusedError(402, "insufficient_credits", "The account has no credit left.")
        if len(self._books.active) >= self._books.terms.capacity:
            raise RefusedError(503, "no_capacity", "All avatars are busy.")
        entry = self._books.begin(mode)
        room = self._open(entry, face)
        return answer(
            {
                "session_id": entry.session_id,
                "livekit_url": self._room_url,
                "token": room.token(),
                "room": room.name,
                "mode": mode,
                "max_duration_seconds": entry.max_duration_s,
                "pricing": self._books.terms.pricing_text(mode),
            }
        )

    async def _read(self, request: web.Request) -> web.Response:
        entry = self._entry(request)
        return answer(
            {
                "session_id": entry.session_id,
                "status": entry.status,
                "mode": entry.mode,
                "room": entry.room,
                "started_at": entry.started_at,
                "ended_at": entry.ended_at,
                "duration_seconds": round(self._books.billed_s(entry), 3),
                "max_duration_seconds": entry.max_duration_s,
            }
        )

    async def _patch(self, request: web.Request) -> web.Response:
        entry = self._entry(request)
        if request.content_type != "multipart/form-data":
            raise bad_request("missing_face", "Send the face as a file of a multipart form.")
        face = await picture_in(await multipart(request), "face")
        if face is None:
            raise bad_request("missing_face", "The form has no file named face.")
        shown = self._active_room(entry).set_face(face)
        return answer({"face_updated": True, "metadata_pushed": shown, "message": "The face was changed."})

    async def _delete(self, request: web.Request) -> web.Response:
        entry = self._entry(request)
        if not await self._end(entry, BY_CLIENT):
            raise RefusedError(409, "already_ended", "The session has already ended.")
        return answer(
            {
                "session_id": entry.session_id,
                "status": entry.status,
                "duration_seconds": round(self._books.billed_s(entry), 3),
                "estimated_cost": round(self._books.cost_usd(entry), 4),
                "credits_deducted_cents": entry.deducted_cents,
            }
        )

    async def _viewer(self, request: web.Request) -> web.Response:
        room = self._active_room(self._entry(request))
        viewer_id = f"viewer_{secrets.token_hex(6)}"
        return answer(
            {
                "token": room.viewer_token(viewer_id),
                "livekit_url": self._room_url,
                "room": room.name,
                "viewer_id": viewer_id,
                "role": "viewer",
            }
        )

    # ---- steps

    async def _order(self, request: web.Request) -> tuple[str, bytes | None]:
        """Mode and face of a create, from either form of it."""
        if request.content_type == "multipart/form-data":
            form = await multipart(request)
            return self._mode(form.get("mode", MODES[0])), await picture_in(form, "face")
        body = await json_object(request)
        mode = self._mode(body.get("mode", MODES[0]))
        url = body.get("face_url")
        if url is not None and not isinstance(url, str):
            raise bad_request("invalid_face_url", "face_url must be an https:// address.")
        return mode, await fetched_face(url) if url else None

    def _mode(self, mode: Any) -> str:
        if mode not in MODES:
            raise bad_request("invalid_mode", "Mode must be 'conversation' or 'passthrough'.")
        if mode not in self._books.terms.modes:
            raise bad_request("mode_not_available", f"The mode {mode} is not available here.")
        return str(mode)

    def _open(self, entry: SessionEntry, face: bytes | None) -> RoomDesk:
        opened = False
        try:
            room = self._hall.open(entry.session_id, entry.mode, face, self._faults.options_for_room())
            opened = True
        finally:
            if not opened:
                self._books.forget(entry)
        entry.room = room.name
        if entry.max_duration_s is not None:
            limit = self._scope.start(self._enforce(entry, entry.max_duration_s), "limit")
            if limit is not None:
                self._limits[entry.session_id] = limit
        return room

    def _entry(self, request: web.Request) -> SessionEntry:
        entry = self._books.sessions.get(request.match_info["session_id"])
        if entry is None:
            raise not_found("session")
        return entry

    def _active_room(self, entry: SessionEntry) -> RoomDesk:
        room = self._hall.room(entry.session_id) if entry.status == ACTIVE else None
        if room is None:
            raise RefusedError(409, "session_not_active", "The session is not active.")
        return room

    async def _enforce(self, entry: SessionEntry, limit_s: float) -> None:
        await asyncio.sleep(limit_s)
        del self._limits[entry.session_id]
        await self._end(entry, BY_LIMIT)

    async def _end(self, entry: SessionEntry, by: str) -> bool:
        """Ends a session; whether it was active until now. The room closes meanwhile."""
        if not self._books.end(entry, by):
            return False
        limit = self._limits.pop(entry.session_id, None)
        if limit is not None:
            limit.cancel()
        self._scope.start(self._hall.close(entry.session_id), "close room")
        return True
