"""A source that is opened with its first use: a session can be requested, and cancelled, before that."""

from collections.abc import Awaitable, Callable

from atlas_desktop.api.source import (
    EndReceipt,
    Face,
    IdCallback,
    Mode,
    SessionGrant,
    SessionSource,
)

Opener = Callable[[], Awaitable[SessionSource]]
FaceChooser = Callable[[], Awaitable[Face | None]]


class LazySource:
    """Opens the real source with the first ``create``, then delegates to it. Satisfies ``SessionSource``.

    Opening may take seconds (the rehearsal starts a process, the keyring is asked); done here, it is
    part of "Request session" on the stage, with its errors and its *Cancel*.

    Args:
        label: What the user knows it by until it is open.
        billed: Whether its sessions cost money.
        opening: Returns the real source; called again as long as it fails.
        choosing: Returns the face with each ``create``, in place of that which was chosen when the
            session was asked for: a picture may still be read then.
    """

    def __init__(
        self, label: str, billed: bool, opening: Opener, choosing: FaceChooser | None = None
    ) -> None:
        self._label = label
        self._billed = billed
        self._opening = opening
        self._choosing = choosing
        self._source: SessionSource | None = None

    @property
    def label(self) -> str:
        return self._source.label if self._source is not None else self._label

    @property
    def billed(self) -> bool:
        return self._billed

    @property
    def retries_end(self) -> bool:
        return self._source is not None and self._source.retries_end

    async def create(self, mode: Mode, face: Face | None, on_id: IdCallback | None = None) -> SessionGrant:
        source = await self._opened()
        chosen = face if self._choosing is None else await self._choosing()
        return await source.create(mode, chosen, on_id)

    async def end(self, session_id: str) -> EndReceipt:
        return await (await self._opened()).end(session_id)

    async def aclose(self) -> None:
        if self._source is not None:
            await self._source.aclose()

    async def _opened(self) -> SessionSource:
        if self._source is None:
            self._source = await self._opening()
        return self._source
