"""Paid sessions through the guard: a ``SessionSource`` whose every call is an order."""

from typing import Protocol

from atlas_desktop.api.address import host_of
from atlas_desktop.api.orders import (
    Frame,
    Why,
    face_frame,
    grant_of_frame,
    receipt_of_frame,
    status_of_frame,
)
from atlas_desktop.api.source import EndReceipt, Face, IdCallback, Mode, SessionGrant, SessionStatus


class OrderDesk(Protocol):
    """Where orders are taken: the guard. Each call waits for a guard that is coming up."""

    async def create(self, source: str, order: Frame, content: bytes) -> Frame:
        """Has a session made and holds it from then on.

        Raises:
            GuardDownError: There is no guard, and the user has not agreed to do without.
            GuardLostError: It died before it answered.
            JournalError: The record can't be written, and the user has not agreed to do without.
            AppError: What the service said.
        """
        ...

    async def end(self, source: str, session_id: str, why: Why) -> Frame:
        """Has a session ended, by the next guard when this one dies; lets it go once it is confirmed."""
        ...

    async def order(self, source: str, order: Frame, content: bytes = b"") -> Frame:
        """Any other order of this source."""
        ...


class GuardedSource:
    """Sessions that the guard makes, keeps and ends. Thread: one event loop.

    Args:
        desk: Takes the orders.
        name: What the desk knows the source by.
        address: Base or backend URL.
    """

    def __init__(self, desk: OrderDesk, name: str, address: str) -> None:
        self._desk = desk
        self._name = name
        self._label = host_of(address)

    def __repr__(self) -> str:
        return f"GuardedSource({self._label!r})"

    @property
    def label(self) -> str:
        return self._label

    @property
    def billed(self) -> bool:
        return True

    async def create(self, mode: Mode, face: Face | None, on_id: IdCallback | None = None) -> SessionGrant:
        """Has a session made. A caller that is cancelled leaves none behind: what comes late is ended.

        The guard has written the id down long before ``on_id`` hears of it.

        Raises:
            GuardDownError: There is no guard, and the user has not agreed to do without.
            GuardLostError: It died before it answered.
            JournalError: The record can't be written, and the user has not agreed to do without.
            AppError: What the service said.
        """
        frame, content = face_frame(face)
        answer = await self._desk.create(
            self._name, {"op": "create", "mode": mode.value, "face": frame}, content
        )
        grant = grant_of_frame(answer)
        if on_id is not None:
            on_id(grant.session_id)
        return grant

    async def patch_face(self, session_id: str, face: Face) -> None:
        frame, content = face_frame(face)
        await self._desk.order(
            self._name, {"op": "patch_face", "session_id": session_id, "face": frame}, content
        )

    async def end(self, session_id: str) -> EndReceipt:
        return receipt_of_frame(await self._desk.end(self._name, session_id, Why.ASKED))

    async def status(self, session_id: str) -> SessionStatus:
        return status_of_frame(await self._desk.order(self._name, {"op": "status", "session_id": session_id}))

    async def viewer(self, session_id: str) -> SessionGrant:
        return grant_of_frame(await self._desk.order(self._name, {"op": "viewer", "session_id": session_id}))

    async def aclose(self) -> None:
        """Does nothing: the connections are the guard's, which may still have to end what it made."""
