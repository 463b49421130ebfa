"""A real LiveKit server on loopback, its room service, and an avatar made with LiveKit's own SDK."""

import asyncio
import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import jwt
import numpy as np
import numpy.typing as npt
from livekit import rtc

BINARY_ENV = "LIVEKIT_SERVER"
AVATAR = "atlas-avatar"
_KEY = "devkey"
_FRAME_S = 0.04
_SIZE_PX = 128
_ATTEMPTS = 3
"""A port that was free may be somebody's a moment later."""


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class LiveKitServer:
    """One process of the server, with keys of its own.

    Attributes:
        url: Where clients join.
    """

    port: int
    secret: str
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def token(self, room: str, identity: str, *, life_s: int = 600, **grants: Any) -> str:
        """A token that may do everything in ``room``, but for what ``grants`` say."""
        now_s = int(time.time())
        video = {"roomJoin": True, "room": room, "canPublish": True, "canPublishData": True}
        return self._signed({"sub": identity, "exp": now_s + life_s, "video": {**video, **grants}})

    async def call(self, method: str, **body: Any) -> dict[str, Any]:
        """Calls the room service: ``DeleteRoom``, ``RemoveParticipant``, ``MutePublishedTrack`` …"""
        grants = {"roomCreate": True, "roomList": True, "roomAdmin": True, "room": body.get("room", "")}
        token = self._signed({"exp": int(time.time()) + 60, "video": grants})
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(
                f"http://127.0.0.1:{self.port}/twirp/livekit.RoomService/{method}",
                json=body,
                headers={"Authorization": f"Bearer {token}"},
            )
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    async def participant(self, room: str, identity: str) -> dict[str, Any]:
        """What the server knows of one participant."""
        return await self.call("GetParticipant", room=room, identity=identity)

    def freeze(self) -> None:
        """Stops the process: to a client it is a network that is gone."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def shut_down(self) -> None:
        """Ends the server as its operator does."""
        self.process.send_signal(signal.SIGTERM)

    def _signed(self, claims: dict[str, Any]) -> str:
        return jwt.encode({"iss": _KEY, **claims}, self.secret, algorithm="HS256")


@contextlib.contextmanager
def livekit_server(log: Path, **settings: Any) -> Iterator[LiveKitServer]:
    """Runs the server during the block. ``settings`` are added to its configuration."""
    server = _started(log, settings)
    try:
        yield server
    finally:
        server.thaw()
        server.process.kill()
        server.process.wait()


def _started(log: Path, settings: dict[str, Any]) -> LiveKitServer:
    for _ in range(_ATTEMPTS):
        server = _launched(log, settings)
        if _listens(server):
            return server
        server.process.kill()
        server.process.wait()
    raise AssertionError(f"the server does not start:\n{log.read_text(errors='replace')[-2000:]}")


def _launched(log: Path, settings: dict[str, Any]) -> LiveKitServer:
    port, secret = free_port(), secrets.token_hex(24)
    # Written as JSON: that is YAML, too.
    config = {
        "port": port,
        "bind_addresses": ["127.0.0.1"],
        "keys": {_KEY: secret},
        "rtc": {
            "udp_port": free_port(socket.SOCK_DGRAM),
            "tcp_port": free_port(),
            "node_ip": "127.0.0.1",
            "use_external_ip": False,
            "enable_loopback_candidate": True,
        },
        "room": {"empty_timeout": 60, "departure_timeout": 60},
        "logging": {"level": "info"},
        **settings,
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [os.environ[BINARY_ENV], "--config-body", json.dumps(config)],
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return LiveKitServer(port, secret, process)


def _listens(server: LiveKitServer) -> bool:
    until_s = time.monotonic() + 20
    while time.monotonic() < until_s and server.process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", server.port), 1):
            return server.process.poll() is None
        time.sleep(0.05)
    return False


class Avatar:
    """The service's side, by LiveKit's own SDK: 25 pictures a second and a tone.

    Attributes:
        on_heard: Called with what it hears, int16 (480,) at 48 kHz.
    """

    def __init__(self) -> None:
        self.room = rtc.Room()
        self.messages: list[str] = []
        self.on_heard: Callable[[npt.NDArray[np.int16]], None] = lambda _samples: None
        self._video = rtc.VideoSource(_SIZE_PX, _SIZE_PX)
        self._audio = rtc.AudioSource(48_000, 1)
        self._tasks: list[asyncio.Task[None]] = []
        self.tracks: list[rtc.LocalTrack] = []
        self.is_silent = False
        """Set: nothing is sent any more, the tracks stay."""

    async def enter(self, server: LiveKitServer, room: str) -> None:
        self.room.on("data_received", lambda packet: self.messages.append(json.loads(packet.data)["text"]))
        self.room.on("track_subscribed", self._subscribed)
        await self.room.connect(server.url, server.token(room, AVATAR))
        picture = rtc.LocalVideoTrack.create_video_track("avatar-picture", self._video)
        voice = rtc.LocalAudioTrack.create_audio_track("avatar-voice", self._audio)
        self.tracks = [picture, voice]
        person = self.room.local_participant
        await person.publish_track(picture, rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA))
        await person.publish_track(voice, rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE))
        self._tasks = [asyncio.create_task(self._draw()), asyncio.create_task(self._sound())]

    async def leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.room.disconnect()

    async def _draw(self) -> None:
        index, picture = 0, np.full(_SIZE_PX * _SIZE_PX * 3 // 2, 128, np.uint8)
        while True:
            index += 1
            if not self.is_silent:
                picture[: _SIZE_PX * _SIZE_PX] = index % 200
                self._video.capture_frame(
                    rtc.VideoFrame(_SIZE_PX, _SIZE_PX, rtc.VideoBufferType.I420, picture.tobytes())
                )
            await asyncio.sleep(_FRAME_S)

    async def _sound(self) -> None:
        index = 0
        while True:
            t = (index * 480 + np.arange(480)) / 48_000
            tone = (6000 * np.sin(2 * np.pi * 300 * t)).astype(np.int16)
            index += 1
            await self._audio.capture_frame(rtc.AudioFrame(tone.tobytes(), 48_000, 1, 480))

    def _subscribed(self, track: rtc.Track, publication: rtc.TrackPublication, *_: object) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            self._tasks.append(asyncio.create_task(self._hear(track)))

    async def _hear(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream(track, sample_rate=48_000, num_channels=1)
        try:
            async for event in stream:
                self.on_heard(np.frombuffer(event.frame.data, np.int16))
        finally:
            await stream.aclose()


@contextlib.asynccontextmanager
async def avatar_in(server: LiveKitServer, room: str) -> AsyncIterator[Avatar]:
    avatar = Avatar()
    await avatar.enter(server, room)
    try:
        yield avatar
    finally:
        await avatar.leave()
