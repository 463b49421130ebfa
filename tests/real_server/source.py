"""A source of sessions whose room is on the real server: what Atlas's REST side would answer."""

from atlas_desktop.api.source import EndReceipt, Face, IdCallback, Mode, SessionGrant
from tests.real_server.server import LiveKitServer

ROOM = "room"
IDENTITY = "person"


class RealRoomSource:
    """Grants the one room; ``token`` and ``url`` can be others."""

    label = "a real server"
    billed = False
    retries_end = False

    def __init__(self, server: LiveKitServer, token: str = "", url: str = "") -> None:
        self.token = token or server.token(ROOM, IDENTITY)
        self.url = url or server.url
        self.open = 0

    async def create(self, mode: Mode, face: Face | None, on_id: IdCallback | None = None) -> SessionGrant:
        self.open += 1
        return SessionGrant("ses_real", self.url, self.token, ROOM, mode, None, None)

    async def end(self, session_id: str) -> EndReceipt:
        self.open -= 1
        return EndReceipt(session_id, confirmed=True)

    async def aclose(self) -> None:
        """Nothing to let go of."""
