"""The avatar as a participant of its room: it enters, sends its media, hears, and tells what is said."""

import asyncio
import json
from collections.abc import Callable, Iterator

from atlas_desktop.local_atlas.rooms.data import PacketPress
from atlas_desktop.local_atlas.rooms.encoding import EncodedPacket
from atlas_desktop.local_atlas.rooms.member import Member
from atlas_desktop.local_atlas.rooms.presence import STATE_ATTRIBUTE, AvatarPresence, make_sid
from atlas_desktop.local_atlas.rooms.show import Show
from atlas_desktop.local_atlas.rooms.transcripts import Speaker, Transcripts
from atlas_desktop.local_atlas.scope import Scope
from atlas_desktop.local_atlas.stage import AgentState, Casting, RoomOptions, Sound


class Host:
    """Ties the avatar to the members of its room; it is the avatar's stage. Thread: the event loop's.

    Args:
        casting: Makes the avatar.
        members: Everybody who gets its media now.
        broadcast: Sends a sealed data packet to all members.
        announce: Tells all members the avatar's entry anew.
    """

    def __init__(
        self,
        mode: str,
        face: bytes | None,
        options: RoomOptions,
        casting: Casting,
        press: PacketPress,
        members: Callable[[], Iterator[Member]],
        broadcast: Callable[[bytes], None],
        announce: Callable[[], None],
    ) -> None:
        self.mode = mode
        self._members = members
        self._announce = announce
        self._faces = 0
        self._greeted = False
        self._scope = Scope("host")
        self._user_speaker: Speaker | None = None
        self._transcripts = Transcripts(press, broadcast, options.transcripts)
        self._cast = casting(mode, face, self)
        form = self._cast.form
        self.presence = AvatarPresence(options.codec, form.width_px, form.height_px)
        if mode == "conversation":
            self.presence.attributes[STATE_ATTRIBUTE] = AgentState.INITIALIZING.value
        self.show = Show(self._cast.performer, options.codec, self._deliver, form)

    def enter_after(self, delay_s: float) -> None:
        """Comes into the room after ``delay_s``; its clock starts at once, so that it is warm by then."""
        self._scope.start(self._enter(delay_s), "enter")

    def enter(self) -> None:
        """Comes into the room, once."""
        if not self.presence.present:
            self.show.start()
            self.presence.enter()
            self._announce()

    def vanish(self) -> None:
        """Leaves the room for good."""
        if self.presence.present:
            self.presence.present = False
            self._announce()

    def come_back(self) -> None:
        """Comes into the room again after it vanished, as another participant."""
        if not self.presence.present:
            self.presence.sid = make_sid("PA")
            self.presence.video_sid, self.presence.audio_sid = make_sid("TR"), make_sid("TR")
            self.enter()

    def replace_video(self) -> None:
        """Unpublishes the picture and publishes it anew, as another track."""
        self.presence.video_sid = ""
        self._announce()
        self.presence.video_sid = make_sid("TR")
        self._announce()

    def set_face(self, face: bytes) -> bool:
        """Swaps the face; whether the avatar was there to show it."""
        self._cast.performer.set_face(face)
        self._faces += 1
        self.presence.metadata = json.dumps({"face_version": self._faces})
        if self.presence.present:
            self._announce()
        return self.presence.present

    def meet(self, member: Member) -> None:
        """Greets the first person, as soon as that person sees the avatar."""
        if self._cast.mind is not None and not self._greeted and not member.grant.is_viewer:
            self._greeted = True
            self._scope.start(self._greet(member), "greet")

    def hear_speech(self, block: Sound) -> None:
        """Passthrough: speaks this sound."""
        self._cast.performer.push_speech(block)

    def hush(self) -> None:
        """Passthrough: the sound ended or was interrupted; what waits is dropped."""
        self._cast.performer.flush()

    def hear_person(self, speaker: Speaker, block: Sound) -> None:
        """Conversation: hears a microphone."""
        self._user_speaker = speaker
        if self._cast.mind is not None:
            self._cast.mind.hear_audio(block)

    def hear_text(self, text: str) -> None:
        """Conversation: reads a message."""
        if self._cast.mind is not None and self.presence.present:
            self._cast.mind.hear_text(text)

    def agent_segment(self, segment_id: str, delta: str, final: bool) -> None:
        """Part of ``Stage``: the avatar says something."""
        speaker = Speaker(self.presence.sender, self.presence.audio_sid)
        self._transcripts.agent(speaker, segment_id, delta, final)

    def user_segment(self, segment_id: str, text: str, final: bool) -> None:
        """Part of ``Stage``: the person whose microphone was heard last said something."""
        if self._user_speaker is not None:
            self._transcripts.user(self._user_speaker, self.presence.sender, segment_id, text, final)

    def agent_state(self, state: AgentState) -> None:
        """Part of ``Stage``: what the avatar does now."""
        if self.presence.attributes.get(STATE_ATTRIBUTE) != state.value:
            self.presence.attributes[STATE_ATTRIBUTE] = state.value
            if self.presence.present:
                self._announce()

    async def aclose(self) -> None:
        """Stops mind, clock and tasks."""
        await self._scope.aclose()
        if self._cast.mind is not None:
            await self._cast.mind.aclose()
        await self.show.aclose()

    async def _enter(self, delay_s: float) -> None:
        self.show.start()
        await asyncio.sleep(delay_s)
        self.enter()

    async def _greet(self, member: Member) -> None:
        await member.peer.wait_seen()
        if self._cast.mind is not None:
            self._cast.mind.greet()

    def _deliver(self, kind: str, packets: list[EncodedPacket]) -> None:
        if not self.presence.present:
            return
        wants_key = False
        for member in self._members():
            member.peer.offer(kind, packets)
            wants_key = wants_key or member.peer.wants_key
        if wants_key:
            self.show.ask_key()
