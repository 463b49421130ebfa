"""A tiny avatar, a running room server and a real client, for the tests of the room."""

import asyncio
import base64
import contextlib
import gzip
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import numpy as np
from aiohttp import web
from livekit import rtc
from livekit.protocol.rtc import JoinRequest, WrappedJoinRequest

from atlas_desktop.local_atlas.connections import RUNNER_OPTIONS, Connections
from atlas_desktop.local_atlas.entry_point import base_url, open_listener, stop_accepting
from atlas_desktop.local_atlas.interfaces import (
    AUDIO_BLOCK_SAMPLES,
    AgentOutput,
    AgentState,
    AvatarComponents,
    ConversationAgent,
    I420Frame,
    Pcm,
    RoomOptions,
)
from atlas_desktop.local_atlas.rooms.room import Room
from atlas_desktop.local_atlas.rooms.room_server import RoomServer

TONE_PEAK = 8000


class ToyRenderer:
    """Renders a moving stripe and the audio pushed, else silence, or a tone when it ``hums``."""

    def __init__(self, *, hums: bool) -> None:
        self.hums = hums
        self.flushes = 0
        self.faces: list[bytes] = []
        self.pushed = np.zeros((0, 1), np.int16)
        self.pushed_samples = 0

    @property
    def queued_samples(self) -> int:
        return len(self.pushed)

    def video_frame(self, index: int) -> I420Frame:
        picture = np.full((768, 512), 128, np.uint8)
        picture[:512] = 60
        picture[:512, (index * 4) % 480 : (index * 4) % 480 + 32] = 200
        return picture

    def audio_block(self, index: int) -> Pcm:
        if len(self.pushed) >= AUDIO_BLOCK_SAMPLES:
            block, self.pushed = self.pushed[:AUDIO_BLOCK_SAMPLES], self.pushed[AUDIO_BLOCK_SAMPLES:]
            return block
        if not self.hums:
            return np.zeros((AUDIO_BLOCK_SAMPLES, 1), np.int16)
        return tone(index * AUDIO_BLOCK_SAMPLES, AUDIO_BLOCK_SAMPLES)

    def push_audio(self, block: Pcm) -> None:
        self.pushed_samples += len(block)
        self.pushed = np.concatenate([self.pushed, block])

    def flush(self) -> None:
        self.flushes += 1
        self.pushed = self.pushed[:0]

    def set_face(self, face: bytes) -> None:
        self.faces.append(face)


class ToyAgent(ConversationAgent):
    """Greets, echoes messages, and transcribes half a second of audio."""

    def __init__(self, output: AgentOutput) -> None:
        self.output = output
        self.texts: list[str] = []
        self.heard_samples = 0
        self.closed = False

    def greet(self) -> None:
        self.output.agent_state(AgentState.SPEAKING)
        self.output.agent_segment("greeting", "Hello ", False)
        self.output.agent_segment("greeting", "there.", False)
        self.output.agent_segment("greeting", "", True)
        self.output.agent_state(AgentState.LISTENING)

    def receive_text(self, text: str) -> None:
        self.texts.append(text)
        self.output.agent_segment(f"reply{len(self.texts)}", f"You said {text}", True)

    def receive_audio(self, block: Pcm) -> None:
        before, self.heard_samples = self.heard_samples, self.heard_samples + len(block)
        if before < 24_000 <= self.heard_samples:
            self.output.user_segment("spoken", "good", False)
            self.output.user_segment("spoken", "good morning", True)

    async def aclose(self) -> None:
        self.closed = True


def tone(first_sample: int, samples: int) -> Pcm:
    """A tone of 440 Hz, phase-continuous from any sample on."""
    t = (first_sample + np.arange(samples)) / 48_000
    return (TONE_PEAK * np.sin(2 * np.pi * 440 * t)).astype(np.int16).reshape(-1, 1)


def toy_avatar(mode: str, _face: bytes | None, output: AgentOutput) -> AvatarComponents:
    """Create a silent avatar, which converses in conversation mode: an ``AvatarFactory``."""
    agent = ToyAgent(output) if mode == "conversation" else ConversationAgent()
    return AvatarComponents(ToyRenderer(hums=False), agent)


@dataclass
class Scene:
    """A room server that listens on a port of its own, and the avatars that it created."""

    rooms: RoomServer
    url: str = ""
    renderers: list[ToyRenderer] = field(default_factory=list)
    agents: list[ToyAgent] = field(default_factory=list)

    def open(self, mode: str = "passthrough", options: RoomOptions | None = None, name: str = "s1") -> Room:
        return self.rooms.open(name, mode, None, options or RoomOptions())


@contextlib.asynccontextmanager
async def open_scene(*, hums: bool = False) -> AsyncIterator[Scene]:
    """Run a room server until the end of the block; then nothing of it may be left."""
    before = asyncio.all_tasks()

    def create_avatar(mode: str, face: bytes | None, output: AgentOutput) -> AvatarComponents:
        scene.renderers.append(ToyRenderer(hums=hums))
        if mode == "passthrough":
            return AvatarComponents(scene.renderers[-1])
        scene.agents.append(ToyAgent(output))
        return AvatarComponents(scene.renderers[-1], scene.agents[-1])

    scene = Scene(RoomServer(create_avatar, Connections()))
    application = web.Application()
    application.add_routes(scene.rooms.routes())
    runner = web.AppRunner(application, **RUNNER_OPTIONS)
    await runner.setup()
    listener = open_listener(0)
    await web.SockSite(runner, listener).start()
    scene.url = base_url(listener).replace("http", "ws", 1)
    try:
        yield scene
    finally:
        await scene.rooms.aclose()
        await stop_accepting(listener)
        await runner.cleanup()
    with contextlib.suppress(AssertionError):
        await eventually(lambda: not _left_behind(before), "", 3.0)
    if left := _left_behind(before):
        raise AssertionError(f"tasks of the room were left behind: {left}")


def _left_behind(before: set[asyncio.Task[object]]) -> list[str]:
    names = [repr(task.get_coro()) for task in asyncio.all_tasks() - before]
    return [name for name in names if "livekit" not in name]


async def eventually(true: Callable[[], object], what: str, limit_s: float = 20.0) -> None:
    """Wait until ``true()`` holds; the limit only ends what never comes, on a busy machine too."""
    try:
        async with asyncio.timeout(limit_s):
            while not true():
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(what) from None


def write_join(join: JoinRequest) -> str:
    """Serialise ``join`` as a client does: the inverse of ``read_join``."""
    wrapped = WrappedJoinRequest(
        compression=WrappedJoinRequest.GZIP, join_request=gzip.compress(join.SerializeToString())
    )
    return base64.urlsafe_b64encode(wrapped.SerializeToString()).decode()


class Guest:
    """A real, unmodified LiveKit client that records what it receives."""

    def __init__(self) -> None:
        self.room = rtc.Room()
        self.frames = 0
        self.stamps_us: list[int] = []
        self.size = (0, 0)
        self.peak = 0
        self.blocks = 0
        self.video_tracks: list[str] = []
        self.left: list[int] = []
        self.events: list[str] = []
        self.legacy: list[tuple[str, str, str, bool]] = []
        self.streams: list[tuple[str, dict[str, str], str]] = []
        self.data: list[bytes] = []
        self.states: list[str] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._listen()

    async def picture_stands_still(self, still_s: float = 0.4) -> int:
        """Wait until no frame came for the time of ten; return how many had come."""
        frames, since_s = self.frames, time.monotonic()
        async with asyncio.timeout(20.0):
            while time.monotonic() - since_s < still_s:
                await asyncio.sleep(0.02)
                if self.frames != frames:
                    frames, since_s = self.frames, time.monotonic()
        return frames

    async def join(self, scene: Scene, token: str) -> None:
        await self.room.connect(scene.url, token)

    async def leave(self) -> None:
        await self.room.disconnect()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def has_tracks(self, count: int) -> bool:
        return len(self.video_tracks) == count

    def has_frames(self, count: int) -> bool:
        return self.frames > count

    def has_transcripts(self) -> bool:
        return bool(self.streams or self.legacy)

    async def publish(self, name: str, source: int = 0) -> tuple[rtc.AudioSource, str]:
        """Publish an audio track; return its source and sid."""
        audio = rtc.AudioSource(48_000, 1)
        track = rtc.LocalAudioTrack.create_audio_track(name, audio)
        options = rtc.TrackPublishOptions(source=source)  # type: ignore[arg-type]
        publication = await self.room.local_participant.publish_track(track, options)
        return audio, publication.sid

    async def say(self, audio: rtc.AudioSource, seconds: float) -> None:
        """Send a tone in real time."""
        for index in range(round(seconds * 100)):
            block = tone(index * 480, 480)
            await audio.capture_frame(rtc.AudioFrame(block.tobytes(), 48_000, 1, 480))

    async def chat(self, text: str) -> None:
        payload = json.dumps({"type": "speak", "text": text}).encode()
        await self.room.local_participant.publish_data(payload, reliable=True)

    def _listen(self) -> None:
        room = self.room

        def subscribed(track: rtc.Track, *_: object) -> None:
            if track.kind == rtc.TrackKind.KIND_VIDEO:
                self.video_tracks.append(track.sid)
            work = self._watch(track) if track.kind == rtc.TrackKind.KIND_VIDEO else self._hear(track)
            self._tasks.append(asyncio.create_task(work))

        def transcribed(
            segments: list[rtc.TranscriptionSegment], person: rtc.Participant, *_: object
        ) -> None:
            self.legacy += [(person.identity, s.id, s.text, s.final) for s in segments]

        def streamed(reader: rtc.TextStreamReader, identity: str) -> None:
            self._tasks.append(asyncio.create_task(self._read(reader, identity)))

        room.on("track_subscribed", subscribed)
        room.on("transcription_received", transcribed)
        room.on("data_received", lambda packet: self.data.append(packet.data))
        room.on("disconnected", self.left.append)
        room.on("participant_attributes_changed", lambda new, _: self.states.append(new["lk.agent.state"]))
        for name in ("reconnecting", "reconnected", "participant_connected", "participant_disconnected"):
            room.on(name, lambda *_, name=name: self.events.append(name))
        room.register_text_stream_handler("lk.transcription", streamed)

    async def _watch(self, track: rtc.Track) -> None:
        stream = rtc.VideoStream(track, capacity=1)
        try:
            async for event in stream:
                self.frames += 1
                self.stamps_us.append(event.timestamp_us)
                self.size = (event.frame.width, event.frame.height)
        finally:
            await stream.aclose()

    async def _hear(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream(track, sample_rate=48_000, num_channels=1)
        try:
            async for event in stream:
                self.blocks += 1
                self.peak = max(self.peak, int(np.abs(np.frombuffer(event.frame.data, np.int16)).max()))
        finally:
            await stream.aclose()

    async def _read(self, reader: rtc.TextStreamReader, identity: str) -> None:
        text = await reader.read_all()
        self.streams.append((identity, dict(reader.info.attributes or {}), text))
