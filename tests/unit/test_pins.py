"""What the program leans on inside livekit, aiortc and aioice: with these gone, a new release is not for us.

The versions stand in ``pyproject.toml`` alone: ``make contract`` tries another once that line is changed.
"""

import inspect
import tomllib
from importlib.metadata import version
from pathlib import Path

import aioice
import pytest
from aiortc import RTCPeerConnection, RTCRtpReceiver, RTCRtpSender, RTCRtpTransceiver
from aiortc.rtp import RtcpSrPacket

pytestmark = pytest.mark.contract

ROOT = Path(__file__).parents[2]
EXACT = ("livekit", "livekit-protocol", "aiortc", "aioice")


def pins() -> dict[str, str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    plain = (requirement.split(";")[0].strip() for requirement in project["dependencies"])
    return dict(requirement.split("==") for requirement in plain if "==" in requirement)


@pytest.mark.parametrize("name", EXACT)
def test_what_is_pinned_is_what_is_tested(name: str) -> None:
    assert pins()[name] == version(name)


def test_no_other_dependency_is_pinned_so_that_it_can_be_mended_at_once() -> None:
    assert pins().keys() == set(EXACT)


def test_no_release_is_named_elsewhere_as_what_must_be_there() -> None:
    releases = set(pins().values())
    for file in (ROOT / "tests").rglob("*.py"):
        text = file.read_text("utf-8")
        assert not any(f'"{release}"' in text for release in releases), file


def source_of(*parts: object) -> str:
    return "".join(inspect.getsource(part) for part in parts)  # type: ignore[arg-type] # classes and functions


@pytest.mark.parametrize(
    "name",
    [
        "_protocols",
        "_check_list",
        "_early_checks_done",
        "remote_username",
        "remote_password",
        "get_component_candidates",
    ],
)
def test_an_ice_connection_has_what_its_path_takes_hold_of(name: str) -> None:
    connection = aioice.Connection(ice_controlling=False)
    assert hasattr(connection, name)


@pytest.mark.parametrize("name", ["datagram_received", "send_data", "send_stun"])
def test_an_ice_protocol_has_what_is_cut_and_shielded(name: str) -> None:
    assert callable(getattr(aioice.ice.StunProtocol, name))


def test_a_check_knows_the_address_at_its_other_end() -> None:
    assert isinstance(aioice.ice.CandidatePair.remote_addr, property)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (RTCRtpSender, ("_stream_id", "_track_id", "_send_keyframe", "_send_rtcp")),
        (RTCRtpReceiver, ("__started", "__jitter_buffer")),
        (RTCRtpTransceiver, ("_codecs",)),
        (RTCPeerConnection, ("getTransceivers", "connectionState")),
    ],
)
def test_aiortc_has_the_private_names_that_a_peer_sets(kind: type, words: tuple[str, ...]) -> None:
    source = source_of(kind)
    assert [word for word in words if word not in source] == []


def test_a_sender_report_says_when_it_was_made() -> None:
    assert "sender_info" in inspect.signature(RtcpSrPacket).parameters
