from atlas_desktop.api.orders import Frame, Why
from atlas_desktop.api.source import EndReceipt, Face, Mode, SessionSource, SessionStatus
from atlas_desktop.session.guarded_source import GuardedSource

GRANT: Frame = {"session_id": "ses_1", "livekit_url": "wss://r", "token": "t", "mode": "passthrough"}


class Desk:
    """Takes orders and answers with ``answer``."""

    def __init__(self, answer: Frame) -> None:
        self.answer = answer
        self.orders: list[tuple[str, Frame, bytes]] = []

    async def create(self, source: str, order: Frame, content: bytes) -> Frame:
        return await self.order(source, order, content)

    async def end(self, source: str, session_id: str, why: Why) -> Frame:
        return await self.order(source, {"op": "end", "session_id": session_id, "why": why})

    async def order(self, source: str, order: Frame, content: bytes = b"") -> Frame:
        self.orders.append((source, order, content))
        return self.answer


def source_on(desk: Desk) -> SessionSource:
    return GuardedSource(desk, "source-1", "https://api.example.com:8443/v1?x=1")


def test_it_is_known_by_its_host_and_billed() -> None:
    source = source_on(Desk({}))
    assert (source.label, source.billed) == ("api.example.com:8443", True)


async def test_a_create_carries_mode_and_face_and_brings_a_grant() -> None:
    desk = Desk(GRANT)
    grant = await source_on(desk).create(Mode.PASSTHROUGH, Face("me.png", b"\x89PNG\n\x00"))
    assert (grant.session_id, grant.mode, grant.token) == ("ses_1", Mode.PASSTHROUGH, "t")
    (order,) = desk.orders
    face = {"name": "me.png", "media_type": "image/png", "url": None}
    assert order == ("source-1", {"op": "create", "mode": "passthrough", "face": face}, b"\x89PNG\n\x00")


async def test_a_create_without_a_face() -> None:
    desk = Desk(GRANT)
    await source_on(desk).create(Mode.CONVERSATION, None)
    assert desk.orders == [("source-1", {"op": "create", "mode": "conversation", "face": None}, b"")]


async def test_the_other_calls_are_orders_too() -> None:
    desk = Desk({"session_id": "ses_1", "status": "active", "duration_s": 3.0})
    source = source_on(desk)
    assert await source.status("ses_1") == SessionStatus("ses_1", "active", 3.0)
    desk.answer = {"session_id": "ses_1", "confirmed": True, "cost_usd": 0.5}
    assert await source.end("ses_1") == EndReceipt("ses_1", True, None, 0.5)
    desk.answer = GRANT
    assert (await source.viewer("ses_1")).token == "t"
    desk.answer = {}
    await source.patch_face("ses_1", Face(content=b"new"))
    await source.aclose()
    ops = [(order["op"], order["session_id"], content) for _, order, content in desk.orders]
    assert ops == [
        ("status", "ses_1", b""),
        ("end", "ses_1", b""),
        ("viewer", "ses_1", b""),
        ("patch_face", "ses_1", b"new"),
    ]
