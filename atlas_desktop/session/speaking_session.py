"""The part of a session in which something is said: clips, messages and the microphone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from atlas_desktop.session.chat import Chat
from atlas_desktop.session.ears import Ears
from atlas_desktop.session.kept_session import KeptSession
from atlas_desktop.session.life import Ending, Live, Reconnecting, Switch
from atlas_desktop.session.lifecycle import Lifecycle
from atlas_desktop.session.own_clip import OwnClip
from atlas_desktop.session.room_watch import RoomWatch
from atlas_desktop.session.speech import Speech

if TYPE_CHECKING:
    from atlas_desktop.media.blocks import BlockReader
    from atlas_desktop.media.playout import Playout


class SpeakingSession(KeptSession):
    """Hands on what the user says to whoever sends it. Thread: one event loop."""

    playout: Playout
    _chat: Chat
    _ears: Ears
    _lifecycle: Lifecycle
    _own_clip: OwnClip
    _speech: Speech
    _watch: RoomWatch

    def speak(self, source: Path | str | BlockReader, *, match_loudness: bool = True) -> None:
        """Speaks a sound file, or blocks, at once, in place of what is spoken now (passthrough).

        Before the session is live it waits until then; a conversation that comes up drops it. A file
        that is missing or can't be read is told as a notice. Files are spoken at −16 LUFS, unless
        ``match_loudness`` is off; blocks as they are.

        Raises:
            RuntimeError: The session is a live conversation.
        """
        self._keeper.touch()
        self._own_clip.play(source, match_loudness=match_loudness)

    def seek(self, position_s: float) -> None:
        """Goes on at ``position_s`` of what is spoken, or held; nothing happens where nothing is.

        Blocks of one's own must be a ``SeekableReader`` for that.
        """
        self._speech.seek(position_s)

    def prepare_to_speak(self) -> None:
        """Publishes the track of a live passthrough session now, so that the first clip is 0.2 s sooner.

        By default the first clip does it. To be called in any state, and more than once.
        """
        self._speech.prepare()

    def interrupt(self) -> None:
        """Stops what is spoken: our clip on its way, and the avatar's sound here."""
        self._speech.interrupt()
        if isinstance(self._lifecycle.life, Live | Reconnecting):
            # An agent does not know of it and talks on: what it says now is not heard.
            shut = self.playout.hold if self.snapshot.can_speak_text else self.playout.close
            shut()

    def send_chat(self, text: str) -> bool:
        """Sends ``text`` to the agent, or when the session is live; it is in the transcript at once.

        Returns:
            Whether it was taken. False for blank text, without a session, and for text that is too
            long for one message, which is told as a notice.
        """
        if not self.snapshot.takes_messages:
            return False
        self.touch()
        return self._chat.say(text)

    def send_again(self) -> None:
        """Sends in this session the messages that earlier ones left unsent; nothing happens without one."""
        if self.snapshot.takes_messages:
            self.touch()
            self._chat.say_again()

    def unmute(self) -> None:
        """Asks to be heard again after the room has muted us."""
        self._watch.unmute()

    def attach_microphone(
        self, factory: Callable[[int], BlockReader], level_dbfs: Callable[[], float] | None = None
    ) -> None:
        """Sets what opens the microphone; called when it is turned on for the first time in a session.

        Args:
            factory: Opens it; so many milliseconds of what it heard just before come first, where it can.
            level_dbfs: How loud the user is now, looked at a few times a second: a voice is a sign of life.
        """
        self._speech.attach_microphone(factory)
        self._ears.level_dbfs = level_dbfs

    def set_microphone(self, on: bool) -> None:
        """Turns the microphone on or off; before the session is live, for when it is."""
        life = self._lifecycle.life
        if isinstance(life, Ending) and isinstance(life.next, Switch):
            self._lifecycle.switch(life.next.mode, on)
        self.touch()
        if on and self._watch.is_muted:
            self._watch.unmute(microphone=True)
        else:
            self._watch.forget_microphone()
            self._speech.set_microphone(on)

    def set_talking(self, on: bool) -> None:
        """Push to talk: the microphone is on while ``on``, from a moment before it; no syllable is cut."""
        self.touch()
        if on:
            self._watch.unmute()
        self._speech.set_talking(on)

    def set_quiet(self, on: bool) -> None:
        """Neither the avatar is heard here nor the user there while ``on``, whatever else was chosen."""
        self.playout.quiet = on
        self._speech.set_quiet(on)
