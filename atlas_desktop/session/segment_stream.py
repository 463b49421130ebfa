"""A text stream of a room on its way into the transcript."""

from typing import TYPE_CHECKING, Final

from atlas_desktop.session.words_said import clean

if TYPE_CHECKING:
    from atlas_desktop.session.transcript import Role, Transcript

LONGEST_MESSAGE: Final = 100_000
"""So many characters of one message are kept: two hours of speech."""


class SegmentStream:
    """One incoming text stream: the words of one segment, or its newest version.

    The user's streams each carry the whole text so far and replace; an agent's carries deltas. A
    second stream of an agent's segment goes on where the first ended, unless it says the whole again.

    Attributes:
        is_new: Nothing of the segment was known before this stream.
    """

    def __init__(self, transcript: "Transcript", key: str, role: "Role", final: bool) -> None:
        self._transcript = transcript
        self._key = key
        self._role = role
        self._final = final
        self._text = ""
        self._ends_in_return = False
        self._before = transcript.text_of(key) if role == "agent" else ""
        self.is_new = not transcript.knows(key)

    def add(self, piece: str) -> None:
        """Takes the next piece of the stream."""
        room = LONGEST_MESSAGE - len(self._text)
        if len(piece) > room:
            self._transcript.note_cut()
            piece = piece[:room]
        if piece:
            self._text += self._cleaned(piece)
            self._transcript.put_stream(self._key, self._role, self._whole(), final=False)

    def close(self) -> None:
        """The stream ended, or broke: an agent's words are final, the user's when it said so."""
        self._transcript.put_stream(
            self._key, self._role, self._whole(), final=self._final or self._role == "agent"
        )

    def _cleaned(self, piece: str) -> str:
        """What is new, and no more: a line break may be torn apart."""
        rest = piece[1:] if self._ends_in_return and piece.startswith("\n") else piece
        self._ends_in_return = piece.endswith("\r")
        return clean(rest)

    def _whole(self) -> str:
        text = self._text
        if not self._before or text.startswith(self._before) or self._before.startswith(text):
            return text if len(text) >= len(self._before) else self._before
        return self._before + text
