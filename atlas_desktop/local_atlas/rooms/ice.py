"""Everything that reaches into aioice: which addresses are used, ICE restarts and network loss.

Written against aioice 0.13.0, whose private names it uses; the contract tests of the room guard the pin.
"""

import contextlib
import functools
import re
import struct
import sys
from typing import Any

from aiortc import RTCIceCandidate, RTCPeerConnection
from aiortc.sdp import candidate_from_sdp

_LOOPBACK = "127.0.0.1"
_LAST_STUN_BYTE = 3  # Source: RFC 7983
_NOT_STUN = (struct.error, ValueError, LookupError, TypeError)
_UFRAG = re.compile(r"^a=ice-ufrag:(\S+)", re.MULTILINE)
_PASSWORD = re.compile(r"^a=ice-pwd:(\S+)", re.MULTILINE)
# Without end-of-candidates aioice waits for the client's own checks, however few candidates it signals:
# a client on a host with only loopback signals none. Resolving mDNS names would bind port 5353.
_DROPPED_LINES = re.compile(r"^a=(?:end-of-candidates\r?|candidate:(?=.*\.local ).*+)\n", re.MULTILINE)
_UDP_LINES = re.compile(r"^a=candidate:(\S+ \S+ udp .*)", re.MULTILINE | re.IGNORECASE)
_PORTS = range(1, 1 << 16)


def clean_offer(sdp: str) -> str:
    """Return ``sdp`` without mDNS candidates and end-of-candidates.

    Raises:
        ValueError, AssertionError: A candidate can't be used.
    """
    cleaned = _DROPPED_LINES.sub("", sdp)
    for line in _UDP_LINES.findall(cleaned):
        _usable(line)
    return cleaned


def parse_candidate(line: str, mid: str | None, index: int | None) -> RTCIceCandidate | None:
    """Parse a trickled candidate; ``None`` for one that is empty, mDNS or not UDP.

    Raises:
        ValueError, AssertionError: It can't be used.
    """
    body = line.removeprefix("candidate:")
    if not body or ".local " in body or " udp " not in body.lower():
        return None
    candidate = _usable(body)
    candidate.sdpMid = mid
    candidate.sdpMLineIndex = index
    return candidate


def _usable(body: str) -> RTCIceCandidate:
    candidate = candidate_from_sdp(body)
    # asyncio closes a datagram transport for good over a port that is none, and with it the client.
    if candidate.port not in _PORTS:
        raise ValueError(f"port {candidate.port}")
    return candidate


class IceTransport:
    """The one ICE transport of a bundled peer connection. Thread: the event loop's."""

    def __init__(self, peer: RTCPeerConnection) -> None:
        transceivers = peer.getTransceivers()
        dtls = peer.sctp.transport if peer.sctp else transceivers[0].receiver.transport
        self._ice: Any = dtls.transport._connection
        self._restrict_addresses()

    def apply_restart(self, sdp: str) -> None:
        """Adopt the credentials of an ICE restart: aiortc ignores them once connected."""
        ufrag, password = _UFRAG.search(sdp), _PASSWORD.search(sdp)
        if ufrag is None or password is None or self._ice.remote_username in (None, ufrag[1]):
            return
        self._ice.remote_username = ufrag[1]
        self._ice.remote_password = password[1]

    def disconnect(self) -> None:
        """Drop all datagrams, sent and received, until ``reconnect``."""
        for protocol in self._ice._protocols:
            protocol.datagram_received = _drop
            protocol.send_data = _drop_async
            protocol.send_stun = _drop

    def reconnect(self) -> None:
        """Undo ``disconnect``."""
        for protocol in self._ice._protocols:
            for name in ("datagram_received", "send_data", "send_stun"):
                vars(protocol).pop(name, None)
            self._filter(protocol)

    def _restrict_addresses(self) -> None:
        gather = self._ice.get_component_candidates

        @functools.wraps(gather)
        async def gather_local(component: int, addresses: list[str], timeout: int = 5) -> list[Any]:
            # On Linux a socket on loopback reaches every address of this computer; elsewhere the
            # client's other addresses may not, so the host's are gathered too.
            others = [] if sys.platform == "linux" else addresses
            found = list(await gather(component, [_LOOPBACK, *others], timeout))
            for protocol in self._ice._protocols:
                self._filter(protocol)
            return found

        self._ice.get_component_candidates = gather_local

    def _is_client(self, address: tuple[Any, ...]) -> bool:
        # Until aioice knows the client's password it has no candidate pairs.
        pairs = self._ice._check_list
        return not self._ice._early_checks_done or any(pair.remote_addr == address for pair in pairs)

    def _filter(self, protocol: Any) -> None:
        """Drop datagrams that can't be the client's: every user of this computer can send to the port.

        aioice passes on whatever is not STUN, from any address, and raises over malformed STUN.
        """
        receive = functools.partial(type(protocol).datagram_received, protocol)

        def received(data: bytes, address: tuple[Any, ...]) -> None:
            is_stun = bool(data) and data[0] <= _LAST_STUN_BYTE
            if is_stun or self._is_client(address[:2]):
                with contextlib.suppress(*_NOT_STUN):
                    receive(data, address)

        protocol.datagram_received = received


def _drop(*_: Any) -> None:
    """Discard a datagram."""


async def _drop_async(*_: Any) -> None:
    """Discard a datagram."""
