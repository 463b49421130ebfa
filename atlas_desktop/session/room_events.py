"""What one run's room tells, handed to those it concerns, and to nobody once the run is over."""

from collections.abc import Callable
from dataclasses import dataclass

from atlas_desktop.session.lifecycle import Lifecycle
from atlas_desktop.session.ports import LegacySegment
from atlas_desktop.session.room_watch import RoomWatch
from atlas_desktop.session.run import Run
from atlas_desktop.session.segment_stream import SegmentStream
from atlas_desktop.session.transcript import Role, Transcript


@dataclass(frozen=True, slots=True)
class RoomEvents:
    """Satisfies ``RoomListener`` for one run.

    Attributes:
        on_video: Called when the picture begins or ceases to flow.
        on_audio: Called when the sound begins or ceases to flow.
        on_agent_state: Called with what the agent says of itself.
        on_agent_segment: Called when the agent begins to say something new.
    """

    run: Run
    lifecycle: Lifecycle
    transcript: Transcript
    watch: RoomWatch
    on_video: Callable[[bool], None]
    on_audio: Callable[[bool], None]
    on_agent_state: Callable[[str | None], None]
    on_agent_segment: Callable[[], None]

    @property
    def _current(self) -> bool:
        return self.lifecycle.run is self.run

    def video_changed(self, present: bool) -> None:
        if self._current:
            self.on_video(present)
            self.watch.picture_changed(present)

    def audio_changed(self, present: bool) -> None:
        if self._current:
            self.on_audio(present)
            self.watch.sound_changed(present)

    def voice_muted(self, muted: bool) -> None:
        if self._current:
            self.watch.voice_muted(muted)

    def connection_broke(self) -> None:
        if self._current:
            self.watch.connection_changed(False)

    def connection_mended(self) -> None:
        if self._current:
            self.watch.connection_changed(True)

    def room_lost(self, reason: str, proxy: str = "") -> None:
        if self._current:
            self.lifecycle.room_lost(reason, proxy)

    def segment_received(self, segment: LegacySegment) -> None:
        if not self._current:
            return
        known = len(self.transcript)
        self.transcript.put_legacy(segment.id, segment.role, segment.text, segment.final)
        if segment.role == "agent" and len(self.transcript) > known:
            self.on_agent_segment()

    def stream_opened(self, segment_id: str, role: Role, final: bool) -> SegmentStream:
        if not self._current:
            return Transcript().open_stream(segment_id, role, final)
        stream = self.transcript.open_stream(segment_id, role, final)
        if role == "agent" and stream.is_new:
            self.on_agent_segment()
        return stream

    def room_cut(self) -> None:
        if self._current:
            self.transcript.note_cut()

    def agent_state_changed(self, state: str | None) -> None:
        if self._current:
            self.on_agent_state(state)
