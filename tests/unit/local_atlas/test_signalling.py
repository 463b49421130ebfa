import base64
import gzip

import pytest
from livekit.protocol import rtc

from atlas_desktop.local_atlas.rooms.signalling import BadJoinError, read_join

from .stand_ins import write_join


def test_a_join_request_is_read_compressed_and_plain() -> None:
    join = rtc.JoinRequest(metadata="m", publisher_offer=rtc.SessionDescription(sdp="v=0", id=3))
    assert read_join(write_join(join)) == join
    plain = rtc.WrappedJoinRequest(join_request=join.SerializeToString())
    text = base64.urlsafe_b64encode(plain.SerializeToString()).decode().rstrip("=")
    assert read_join(text) == join


@pytest.mark.parametrize("text", ["!", "AAAA", "_" * 40, "ä", "CAESA" * 9])
def test_what_is_no_join_request_is_refused(text: str) -> None:
    with pytest.raises(BadJoinError):
        read_join(text)


def test_a_bomb_is_not_unpacked() -> None:
    wrapped = rtc.WrappedJoinRequest(
        compression=rtc.WrappedJoinRequest.GZIP, join_request=gzip.compress(bytes(30_000_000))
    )
    with pytest.raises(BadJoinError, match="too large"):
        read_join(base64.urlsafe_b64encode(wrapped.SerializeToString()).decode())
