"""Fault injection, for tests and checks: responses of the REST API, and rooms that misbehave.

Over HTTP, with the API key: ``POST /local/faults`` takes an object, or a list of them, with one or more of
``{"rest": {fields of RestFault}}``, ``{"room": {fields of RoomFault}}``,
``{"rooms": {fields of RoomOptions}}``; ``DELETE`` clears them. ``GET /local/books`` reports everything,
``PATCH /local/books`` sets ``{"credit_cents": …, "terms": {fields of ServiceTerms}}``.
"""

import asyncio
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from aiohttp import web

from atlas_desktop.local_atlas.interfaces import MalformedPacket, RoomOptions
from atlas_desktop.local_atlas.rest.accounts import AccountStore
from atlas_desktop.local_atlas.rest.fault_orders import (
    EVERY_SESSION,
    MAX_NUMBER,
    FaultBody,
    RestFault,
    RoomFault,
    fill,
)
from atlas_desktop.local_atlas.rest.http_messages import (
    bad_request,
    error_response,
    json_response,
    not_found,
    read_json,
    read_json_object,
)
from atlas_desktop.local_atlas.rest.middleware import CONTROL_PATHS, Handler
from atlas_desktop.local_atlas.rooms.room import Room
from atlas_desktop.local_atlas.rooms.room_server import RoomServer

_REASONS = {
    400: "invalid_request",
    401: "unauthorized",
    402: "insufficient_credits",
    403: "forbidden",
    404: "not_found",
    409: "conflict",
    429: "rate_limited",
    503: "no_capacity",
}
_PAGE = """<!DOCTYPE html>
<html><head><title>{status} {phrase}</title><style>body {{ margin: 0 }}</style></head>
<body><center><h1>{status} {phrase}</h1></center><hr><center>a proxy</center></body></html>
"""


class FaultInjector:
    """Holds the faults to inject; called from Python or over HTTP. Thread: the event loop's.

    Attributes:
        rest: Pending faults of the REST API.
        room_options: The options of rooms opened from now on.
    """

    def __init__(self, accounts: AccountStore, rooms: RoomServer) -> None:
        self.rest: list[RestFault] = []
        self.room_options = RoomOptions()
        self._accounts = accounts
        self._rooms = rooms
        self._closing = asyncio.Event()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/local/faults", self._list),
            web.post("/local/faults", self._post),
            web.delete("/local/faults", self._clear),
            web.get("/local/books", self._report),
            web.patch("/local/books", self._set_terms),
        ]

    def close(self) -> None:
        """Release every call that hangs or is delayed."""
        self._closing.set()

    def add(self, /, **fields: Any) -> RestFault:
        """Schedule a fault of the REST API; the fields are those of ``RestFault``.

        Raises:
            RefusedError: 400, when a field is unknown or its value has another type.
        """
        fault = fill(RestFault(), fields)
        self.rest.append(fault)
        return fault

    def apply(self, /, **fields: Any) -> None:
        """Apply a fault to open rooms; the fields are those of ``RoomFault``.

        Raises:
            RefusedError: 404, when the room is not open; 400, when there is no such order.
        """
        fault = fill(RoomFault(), fields)
        every = fault.session == EVERY_SESSION
        ids = [record.session_id for record in self._accounts.active] if every else [fault.session]
        for session_id in ids:
            room = self._rooms.room(session_id)
            if room is None:
                raise not_found("open room")
            apply_fault(fault, room)

    def set_room_options(self, /, **fields: Any) -> RoomOptions:
        """Set options of rooms opened from now on; the fields are those of ``RoomOptions``.

        Raises:
            RefusedError: 400, when a field is unknown or its value has another type.
        """
        return fill(self.room_options, fields)

    def new_room_options(self) -> RoomOptions:
        """Return a copy of the options for a room about to be opened."""
        return RoomOptions(**asdict(self.room_options))

    def clear(self) -> None:
        """Remove all pending faults and reset the options of rooms to come."""
        self.rest.clear()
        self.room_options = RoomOptions()

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Inject the pending fault that matches the call, if any."""
        fault = None if request.path.startswith(CONTROL_PATHS) else self._take(request)
        if fault is None:
            return await handler(request)
        real = await handler(request) if fault.carried_out or fault.change else None
        await self._delay(fault)
        if fault.drop or fault.hang:
            if request.transport is not None:
                request.transport.abort()
            return error_response(503, "dropped", "This answer reaches nobody.")
        if fault.status:
            return _injected_response(fault)
        if real is None:
            return await handler(request)
        return _changed_response(real, fault.change) if fault.change else real

    async def _delay(self, fault: RestFault) -> None:
        if fault.hang or fault.delay_s:
            try:
                await asyncio.wait_for(self._closing.wait(), None if fault.hang else fault.delay_s)
            except TimeoutError:
                return

    def _take(self, request: web.Request) -> RestFault | None:
        fault = next((fault for fault in self.rest if fault.matches(request.method, request.path)), None)
        if fault is not None and fault.times:
            fault.times -= 1
            if not fault.times:
                self.rest.remove(fault)
        return fault

    # ---- over HTTP

    async def _list(self, request: web.Request) -> web.Response:
        return json_response(self._listing())

    async def _post(self, request: web.Request) -> web.Response:
        body = await read_json(request)
        for order in body if isinstance(body, list) else [body]:
            self._dispatch(order)
        return json_response(self._listing())

    async def _clear(self, request: web.Request) -> web.Response:
        self.clear()
        return json_response(self._listing())

    async def _report(self, request: web.Request) -> web.Response:
        rooms = {record.session_id: self._rooms.room(record.session_id) for record in self._accounts.active}
        stats = {session_id: asdict(room.stats) for session_id, room in rooms.items() if room is not None}
        tasks = len(asyncio.all_tasks())
        return json_response({**self._accounts.report(), "rooms": stats, "tasks": tasks})

    async def _set_terms(self, request: web.Request) -> web.Response:
        body = await read_json_object(request)
        terms, cents = body.pop("terms", {}), body.pop("credit_cents", self._accounts.credit_cents)
        if body or not isinstance(terms, dict) or type(cents) is not int or abs(cents) > MAX_NUMBER:
            raise bad_request("unknown_field", "The books take 'terms' and 'credit_cents'.")
        fill(self._accounts.terms, terms)
        self._accounts.credit_cents = cents
        return json_response(self._accounts.report())

    def _dispatch(self, order: Any) -> None:
        methods = {"rest": self.add, "room": self.apply, "rooms": self.set_room_options}
        if not isinstance(order, Mapping) or not order or not order.keys() <= methods.keys():
            raise bad_request("unknown_order", f"An order is an object with {', '.join(methods)}.")
        for name, fields in order.items():
            if not isinstance(fields, Mapping):
                raise bad_request("bad_value", f"The value of {name!r} does not fit.")
            methods[name](**fields)

    def _listing(self) -> dict[str, Any]:
        options = asdict(self.room_options)
        if math.isinf(options["late_avatar_s"]):
            options["late_avatar_s"] = "never"
        return {"rest": [asdict(fault) for fault in self.rest], "rooms": options}


def apply_fault(fault: RoomFault, room: Room) -> None:
    """Apply a fault to one room.

    Raises:
        RefusedError: 400, when there is no such order.
    """
    orders: dict[str, Callable[[], object]] = {
        "freeze": lambda: room.freeze(fault.seconds),
        "drop_media": lambda: room.drop_media(fault.seconds),
        "drop_network": lambda: room.drop_network(fault.seconds),
        "close_socket": room.close_socket,
        "refuse_resume": lambda: room.refuse_resume(fault.refuse),
        "vanish": room.vanish,
        "return_avatar": room.return_avatar,
        "mute_tracks": lambda: room.mute_tracks(fault.muted),
        "malformed": lambda: _send_malformed(room, fault.kind),
        "replace_video_track": room.replace_video_track,
        "expel": room.expel,
        "disconnect": lambda: room.disconnect(fault.reason),
    }
    if fault.order not in orders:
        raise bad_request("unknown_order", f"A room knows no order {fault.order!r}.")
    orders[fault.order]()


def _send_malformed(room: Room, name: str) -> None:
    if name and name not in list(MalformedPacket):
        raise bad_request("bad_value", "The value of 'kind' does not fit.")
    for kind in [MalformedPacket(name)] if name else list(MalformedPacket):
        room.malformed(kind)


def _injected_response(fault: RestFault) -> web.Response:
    status = fault.status or 200
    headers = {"Retry-After": fault.retry_after} if fault.retry_after else {}
    phrase = _phrase(status)
    match fault.body:
        case FaultBody.HTML:
            page = _PAGE.format(status=status, phrase=phrase)
            return web.Response(text=page, status=status, headers=headers, content_type="text/html")
        case FaultBody.TEXT:
            content = (fault.message or phrase).encode("utf-8", "replace")
            return web.Response(
                body=content, status=status, headers=headers, content_type="text/plain", charset="utf-8"
            )
        case FaultBody.EMPTY:
            return web.Response(status=status, headers=headers)
        case FaultBody.JSON:
            reason = fault.error or _REASONS.get(status, "internal_error")
            return error_response(status, reason, fault.message or f"{phrase}, as ordered.", headers)


def _changed_response(real: web.StreamResponse, change: Mapping[str, Any]) -> web.StreamResponse:
    """Replace fields of a real JSON response; those whose value is ``None`` are removed."""
    if not isinstance(real, web.Response) or real.content_type != "application/json":
        return real
    body = {**json.loads(real.text or "{}"), **change}
    return json_response({name: value for name, value in body.items() if value is not None}, real.status)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
