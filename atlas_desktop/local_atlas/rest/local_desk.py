"""The fault desk and the books over HTTP, for tests in other processes. With the key, like all the rest.

``POST /local/faults`` takes an object, or a list of them, with one or more of
``{"rest": {fields of RestFault}}``, ``{"room": {fields of RoomOrder}}``,
``{"rooms": {fields of RoomOptions}}``; ``DELETE`` forgets them. ``GET /local/books`` tells everything,
``PATCH /local/books`` sets ``{"credit_cents": …, "terms": {fields of Terms}}``.
"""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from aiohttp import web

from atlas_desktop.local_atlas.rest.answers import answer, bad_request
from atlas_desktop.local_atlas.rest.bodies import json_object, json_value
from atlas_desktop.local_atlas.rest.books import Books
from atlas_desktop.local_atlas.rest.fault_desk import FaultDesk
from atlas_desktop.local_atlas.rest.orders import LARGEST_NUMBER, filled
from atlas_desktop.local_atlas.stage import HallDesk


class LocalDesk:
    """The routes below ``/local/``."""

    def __init__(self, books: Books, hall: HallDesk, faults: FaultDesk) -> None:
        self._books = books
        self._hall = hall
        self._faults = faults

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/local/faults", self._list),
            web.post("/local/faults", self._order),
            web.delete("/local/faults", self._clear),
            web.get("/local/books", self._read),
            web.patch("/local/books", self._set),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        return answer(self._listing())

    async def _order(self, request: web.Request) -> web.Response:
        body = await json_value(request)
        for order in body if isinstance(body, list) else [body]:
            self._take(order)
        return answer(self._listing())

    async def _clear(self, request: web.Request) -> web.Response:
        self._faults.clear()
        return answer(self._listing())

    async def _read(self, request: web.Request) -> web.Response:
        tasks = len(asyncio.all_tasks())
        return answer({**self._books.report(), "rooms": self._rooms(), "tasks": tasks})

    async def _set(self, request: web.Request) -> web.Response:
        body = await json_object(request)
        terms, cents = body.pop("terms", {}), body.pop("credit_cents", self._books.credit_cents)
        if body or not isinstance(terms, dict) or type(cents) is not int or abs(cents) > LARGEST_NUMBER:
            raise bad_request("unknown_field", "The books take 'terms' and 'credit_cents'.")
        filled(self._books.terms, terms)
        self._books.credit_cents = cents
        return answer(self._books.report())

    def _take(self, order: Any) -> None:
        takers = {
            "rest": self._faults.spoil,
            "room": self._faults.tell,
            "rooms": self._faults.open_rooms_with,
        }
        if not isinstance(order, Mapping) or not order or not order.keys() <= takers.keys():
            raise bad_request("unknown_order", f"An order is an object with {', '.join(takers)}.")
        for name, fields in order.items():
            if not isinstance(fields, Mapping):
                raise bad_request("bad_value", f"The value of {name!r} does not fit.")
            takers[name](**fields)

    def _listing(self) -> dict[str, Any]:
        options = asdict(self._faults.room_options)
        if math.isinf(options["late_avatar_s"]):
            options["late_avatar_s"] = "never"
        return {"rest": [asdict(fault) for fault in self._faults.rest], "rooms": options}

    def _rooms(self) -> dict[str, Any]:
        rooms = {entry.session_id: self._hall.room(entry.session_id) for entry in self._books.active}
        return {session_id: asdict(room.facts) for session_id, room in rooms.items() if room is not None}
