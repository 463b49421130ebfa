"""A room's text stream as it enters the transcript: cleaned, bounded, put together from its chunks."""

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from atlas_desktop.session.transcript import Role, Transcript

LONGEST_MESSAGE: Final = 100_000
"""Characters kept of one message: two hours of speech."""
# Control characters and lone surrogates, except the line break.
_UNPRINTABLE: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def clean(text: str) -> str:
    """Strip control characters other than the line break."""
    if text.isprintable():
        return text
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return _UNPRINTABLE.sub("", lines)


class SegmentStream:
    """One incoming text stream: the words of one segment, or its newest version.

    A user's stream carries the whole text so far and replaces it; an agent's carries deltas. A second
    stream of an agent's segment continues the first, unless it repeats the whole text.

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

    def add(self, chunk: str) -> None:
        """Append the next chunk of the stream."""
        room = LONGEST_MESSAGE - len(self._text)
        if len(chunk) > room:
            self._transcript.note_cut()
            chunk = chunk[:room]
        if chunk:
            self._text += self._cleaned(chunk)
            self._transcript.put_stream(self._key, self._role, self._whole(), final=False)

    def close(self) -> None:
        """End the stream, complete or broken: an agent's words are final, a user's when it said so."""
        self._transcript.put_stream(
            self._key, self._role, self._whole(), final=self._final or self._role == "agent"
        )

    def _cleaned(self, chunk: str) -> str:
        # "\r\n" may be split between two chunks; only the new one is cleaned.
        rest = chunk[1:] if self._ends_in_return and chunk.startswith("\n") else chunk
        self._ends_in_return = chunk.endswith("\r")
        return clean(rest)

    def _whole(self) -> str:
        text = self._text
        if not self._before or text.startswith(self._before) or self._before.startswith(text):
            return text if len(text) >= len(self._before) else self._before
        return self._before + text
