"""Events of a room as the SDK's native side sends them, and a listener that remembers."""

from collections.abc import Callable, Hashable, Mapping
from types import SimpleNamespace
from typing import Any

from google.protobuf.message import Message
from livekit.rtc._proto import ffi_pb2

ROOM = 7
TOPIC = "words"
ATTRIBUTE = "state"


def room_event(**detail: Any) -> Any:
    """A ``room_event`` of our room."""
    return _event(room_event={"room_handle": ROOM, **detail})


def segment(segment_id: str, text: str, final: bool = False, identity: str = "agent") -> Any:
    one = {"id": segment_id, "text": text, "final": final}
    return room_event(transcription_received={"participant_identity": identity, "segments": [one]})


def opened(handle: int, stream_id: str = "s", topic: str = TOPIC, **attributes: str) -> Any:
    info = {"stream_id": stream_id, "topic": topic, "attributes": attributes}
    reader = {"handle": {"id": handle}, "info": info}
    return room_event(text_stream_opened={"reader": reader, "participant_identity": "agent"})


def piece(handle: int, text: str) -> Any:
    detail = {"reader_handle": handle, "chunk_received": {"content": text}}
    return _event(text_stream_reader_event=detail)


def ended(handle: int) -> Any:
    return _event(text_stream_reader_event={"reader_handle": handle, "eos": {}})


def came(identity: str, handle: int = 0, **info: Any) -> Any:
    owned = {"handle": {"id": handle}, "info": {"identity": identity, **info}}
    return room_event(participant_connected={"info": owned})


def went(identity: str) -> Any:
    return room_event(participant_disconnected={"participant_identity": identity})


def published(identity: str, sid: str, handle: int = 0) -> Any:
    publication = {"handle": {"id": handle}, "info": {"sid": sid}}
    return room_event(track_published={"participant_identity": identity, "publication": publication})


def subscribed(identity: str, sid: str, handle: int = 0) -> Any:
    track = {"handle": {"id": handle}, "info": {"sid": sid}}
    return room_event(track_subscribed={"participant_identity": identity, "track": track})


def data(handle: int) -> Any:
    packet = {"participant_identity": "agent", "user": {"data": {"handle": {"id": handle}}}}
    return room_event(data_packet_received=packet)


def attribute(identity: str, value: str, name: str = ATTRIBUTE) -> Any:
    changed = [{"key": name, "value": value}]
    return room_event(
        participant_attributes_changed={"participant_identity": identity, "changed_attributes": changed}
    )


def joined_room(*identities: str) -> Any:
    """What an ``rtc.Room`` shows of itself once it is connected."""
    return SimpleNamespace(
        remote_participants={
            identity: SimpleNamespace(track_publications={f"TR_{identity}": None}) for identity in identities
        },
        local_participant=SimpleNamespace(identity="me"),
        _ffi_handle=SimpleNamespace(handle=ROOM),
    )


class Notebook:
    """An ``InboxListener``.

    Attributes:
        said: What was heard, in order.
        closes: What ends each text stream.
    """

    def __init__(self) -> None:
        self.said: list[tuple[Any, ...]] = []
        self.closes: dict[Hashable, Callable[[], None]] = {}

    def text_opened(
        self,
        key: Hashable,
        stream_id: str,
        attributes: Mapping[str, str],
        identity: str,
        close: Callable[[], None],
    ) -> None:
        self.said.append(("opened", key, stream_id, dict(attributes), identity))
        self.closes[key] = close

    def text_arrived(self, key: Hashable, text: str) -> None:
        self.said.append(("text", key, text))

    def text_ended(self, key: Hashable) -> None:
        self.said.append(("ended", key))

    def segment_arrived(self, identity: str, segment_id: str, text: str, final: bool) -> None:
        self.said.append(("segment", identity, segment_id, text, final))

    def state_arrived(self, identity: str, value: str) -> None:
        self.said.append(("state", identity, value))

    def room_cut(self) -> None:
        self.said.append(("cut",))

    def room_flooded(self) -> None:
        self.said.append(("flooded",))


def _event(**message: Any) -> Any:
    return _filled(ffi_pb2.FfiEvent(**message))


def _filled(message: Any) -> Any:
    """``message`` with all that it must have, as it would come over the wire."""
    for field in message.DESCRIPTOR.fields:
        if field.is_required and not message.HasField(field.name):
            if field.message_type is not None:
                getattr(message, field.name).SetInParent()
            else:
                setattr(message, field.name, getattr(message, field.name))
        value = getattr(message, field.name)
        if isinstance(value, Message):
            if message.HasField(field.name):
                _filled(value)
        elif field.message_type is not None and not field.message_type.GetOptions().map_entry:
            for one in value:
                _filled(one)
    return message
