"""Broken messages, to see that a client survives them."""

from livekit.protocol import models

from atlas_desktop.local_atlas.rooms.data import TRANSCRIPTION_TOPIC, PacketPress, Sender
from atlas_desktop.local_atlas.stage import Malformed


def broken_messages(kind: Malformed, press: PacketPress, sender: Sender) -> list[bytes]:
    """Returns the messages for the reliable channel that are broken in the way of ``kind``."""
    if kind is Malformed.BAD_JSON:
        return [press.user(b'{"type": "speak", "text": ', sender)]
    if kind is Malformed.BAD_UTF8:
        return [press.user(b"\xff\xfe\xc0\x80", sender)]
    if kind is Malformed.BAD_PACKET:
        return [b"\xff\xff\xff\xffno packet"]
    if kind is Malformed.EMPTY_PACKET:
        return [press.seal(models.DataPacket(), sender)]
    if kind is Malformed.ORPHAN_CHUNK:
        return press.chunks("str_nobody", 0, "lost words", sender)
    if kind is Malformed.BROKEN_STREAM:
        attributes = {"lk.segment_id": "broken", "lk.transcription_final": "false"}
        stream_id, header = press.open_stream(TRANSCRIPTION_TOPIC, attributes, sender)
        return [header, *press.chunks(stream_id, 0, "This sentence has no", sender)]
    packet = models.DataPacket(
        transcription=models.Transcription(
            transcribed_participant_identity="nobody",
            # Without any track livekit 1.2.1 would not survive it: it unwraps the id in a native thread.
            track_id="TR_nobody",
            segments=[
                models.TranscriptionSegment(id="", text="no id", final=True),
                models.TranscriptionSegment(id="blank", text="  ", final=True),
            ],
        )
    )
    return [press.seal(packet, sender)]
