"""The fault desk: spoils answers of the REST desk and gives orders to rooms, for tests and checks."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from aiohttp import web

from atlas_desktop.local_atlas.rest.answers import bad_request, error_answer, not_found
from atlas_desktop.local_atlas.rest.books import Books
from atlas_desktop.local_atlas.rest.gate import DESK_PATHS, Handler
from atlas_desktop.local_atlas.rest.orders import EVERY_SESSION, RestFault, RoomOrder, filled
from atlas_desktop.local_atlas.rest.spoiling import changed, spoiled
from atlas_desktop.local_atlas.stage import HallDesk, Malformed, RoomDesk, RoomOptions


class FaultDesk:
    """Takes orders, by Python or through the local HTTP desk. Thread: the event loop's.

    Attributes:
        rest: Faults of the REST desk still to come.
        room_options: What rooms opened from now on begin with.
    """

    def __init__(self, books: Books, hall: HallDesk) -> None:
        self.rest: list[RestFault] = []
        self.room_options = RoomOptions()
        self._books = books
        self._hall = hall
        self._closing = asyncio.Event()

    def close(self) -> None:
        """Lets go of every call that hangs or waits."""
        self._closing.set()

    def spoil(self, /, **fields: Any) -> RestFault:
        """Orders a fault of the REST desk; the fields are those of ``RestFault``.

        Raises:
            RefusedError: 400, when a field is unknown or its value of another type.
        """
        fault = filled(RestFault(), fields)
        self.rest.append(fault)
        return fault

    def open_rooms_with(self, /, **fields: Any) -> RoomOptions:
        """Sets options of rooms opened from now on; the fields are those of ``RoomOptions``.

        Raises:
            RefusedError: 400, when a field is unknown or its value of another type.
        """
        return filled(self.room_options, fields)

    def options_for_room(self) -> RoomOptions:
        """A room's own copy of the options ordered for those to come."""
        return RoomOptions(**asdict(self.room_options))

    def clear(self) -> None:
        """Forgets all faults of the REST desk and all options of rooms to come."""
        self.rest.clear()
        self.room_options = RoomOptions()

    def tell(self, /, **fields: Any) -> None:
        """Gives open rooms an order; the fields are those of ``RoomOrder``.

        Raises:
            RefusedError: 404, when the room is not open; 400, when there is no such order.
        """
        order = filled(RoomOrder(), fields)
        everybody = order.session == EVERY_SESSION
        ids = [entry.session_id for entry in self._books.active] if everybody else [order.session]
        for session_id in ids:
            room = self._hall.room(session_id)
            if room is None:
                raise not_found("open room")
            carry_out(order, room)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Spoils the call when a fault was ordered for it."""
        fault = None if request.path.startswith(DESK_PATHS) else self._take(request)
        if fault is None:
            return await handler(request)
        real = await handler(request) if fault.carried_out or fault.change else None
        await self._wait(fault)
        if fault.drop or fault.hang:
            if request.transport is not None:
                request.transport.abort()
            return error_answer(503, "dropped", "This answer reaches nobody.")
        if fault.status:
            return spoiled(fault)
        if real is None:
            return await handler(request)
        return changed(real, fault.change) if fault.change else real

    async def _wait(self, fault: RestFault) -> None:
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


def carry_out(order: RoomOrder, room: RoomDesk) -> None:
    """Gives one room its order.

    Raises:
        RefusedError: 400, when there is no such order.
    """
    orders: dict[str, Callable[[], object]] = {
        "freeze": lambda: room.freeze(order.seconds),
        "drop_media": lambda: room.drop_media(order.seconds),
        "drop_network": lambda: room.drop_network(order.seconds),
        "close_socket": room.close_socket,
        "refuse_resume": lambda: room.refuse_resume(order.refuse),
        "vanish": room.vanish,
        "return_avatar": room.return_avatar,
        "mute_tracks": lambda: room.mute_tracks(order.muted),
        "malformed": lambda: _send_malformed(room, order.kind),
        "replace_video_track": room.replace_video_track,
        "expel": room.expel,
        "disconnect": lambda: room.disconnect(order.reason),
    }
    if order.order not in orders:
        raise bad_request("unknown_order", f"A room knows no order {order.order!r}.")
    orders[order.order]()


def _send_malformed(room: RoomDesk, name: str) -> None:
    for kind in _kinds(name):
        room.malformed(kind)


def _kinds(name: str) -> list[Malformed]:
    if name and name not in list(Malformed):
        raise bad_request("bad_value", "The value of 'kind' does not fit.")
    return [Malformed(name)] if name else list(Malformed)
