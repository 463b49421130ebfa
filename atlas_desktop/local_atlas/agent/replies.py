"""What the avatar of a rehearsal says: a greeting, a few honest answers, else an echo of the message.

Pure functions of text.
"""

import re
import unicodedata

ECHO_LIMIT_CHARS = 200
"""Maximum length of the echo of a message."""

_READ_LIMIT_CHARS = 2_000  # the rest of a message is not looked at
_QUESTION_LIMIT_CHARS = 80  # a longer message is not one of the known questions
_JOINERS = "\u200c\u200d"  # format characters, but part of words and emoji
# Unicode categories: control, format, surrogate, private, unassigned; line and paragraph separators.
_UNSPEAKABLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|(?<=[.!?…][\"'”’)\]])\s+")

_WHAT_I_CAN = (
    "I answer typed messages, and I say back what you say into your microphone. "
    "In passthrough I speak any sound you drop on me, with moving lips."
)
_ANSWERS: tuple[tuple[str, str], ...] = (
    (
        r"(hi|hello|hey|hallo|good (morning|afternoon|evening|day)|greetings)"
        r"( (there|ada|mei|elias|atlas|you))?",
        "Hello! Nice to see you.",
    ),
    (
        r"(?=.*\b(who|what)( a|')?re you\b|.*\byour name\b|.*\bare you (real|human|an? (ai|bot|robot))\b).*",
        "{name_sentence} I am a rehearsal avatar, drawn and voiced by your own computer. "
        "There is no language model behind me.",
    ),
    (r"(?=.*\bwhat (can|do) you do\b|.*\bhow does (this|it) work\b|.*\bwhat is this\b).*", _WHAT_I_CAN),
    (r"help( me)?( please)?|what now|what should i (do|say|type)", _WHAT_I_CAN),
    (
        r"(?=.*\b(costs?|price|pricing|billed|credits?)\b|.*\bis (this|it) (free|expensive)\b"
        r"|.*\bi (have to )?pay\b).*",
        "A rehearsal costs nothing: it runs on your own computer. "
        "Sessions with Atlas itself are billed by time; the window shows their price before they start.",
    ),
    (
        r"(?=.*\b(can|do) you (hear|understand|see) me\b"
        r"|.*\bare you (there|listening)\b|.*\bmic(rophone)? test\b).*",
        "I read what you type. With your microphone on, I hear you and say it back, "
        "but I don't understand spoken words, and I can't see you.",
    ),
    (
        r"(?=.*\bpass ?through\b).*",
        "In passthrough I speak the sound you give me: drop a sound file on the window, "
        "or use your microphone.",
    ),
    (
        r"(is|are|do|does|where|will|can|what) "
        r".*\b(internet|offline|private|privacy|data|record(ed|ing)?)\b.*",
        "Nothing you type or say in a rehearsal leaves this computer.",
    ),
    (
        r"(?=.*\b(what|why|is) )(?=.*\brehears(e|al)\b).*",
        "This is a rehearsal: the whole avatar runs on your computer, for free.",
    ),
    (r"how are you( doing)?( today)?|how is it going|how's it going|what's up", "Fine, thank you. And you?"),
    (
        r"(?=.*\bwhat time\b|.*\bwhat('s| is) the (time|date|weather)\b|.*\bwhat day\b).*",
        "I can't look that up. I know only a few sentences.",
    ),
    (
        r"(?=.*\b(tell|sing|write|read|know) )(?=.*\b(joke|story|poem|song)\b).*",
        "I'm not that clever in a rehearsal. But I will say anything you type.",
    ),
    (r"(many )?thanks?( you)?( (so|very) much| a lot)?|thx|cheers", "You're welcome."),
    (r"(good ?)?bye( bye)?|see you( later)?|good night|ciao", "Goodbye! End the session whenever you like."),
    (r"(test|testing)( 1| one)?( 2| two)?( 3| three)?", "Test received."),
    (r"sorry|never ?mind", "No harm done."),
)
_PATTERNS = tuple((re.compile(rf"\A(?:{pattern})\Z"), answer) for pattern, answer in _ANSWERS)


def greeting(name: str) -> str:
    """Return the greeting; ``name`` is empty when the avatar has none."""
    hello = "Hi, I'm {name}." if name else "Hi there."
    return (
        f"{hello.format(name=name)} This is a rehearsal on your own computer. "
        "Type or say something, and I answer."
    )


def reply(text: str, name: str) -> str:
    """Return the reply to a typed message of any length and content."""
    said = cleaned(text[:_READ_LIMIT_CHARS])
    if not any(character.isalnum() for character in said) and len(said) <= 3:
        return "I got a message without words. Type something, and I will say it."
    known = _known_answer(said, name) if len(text) <= _QUESTION_LIMIT_CHARS else None
    if known is not None:
        return known
    part = shortened(said)
    if len(part) == len(said) and len(text) <= _READ_LIMIT_CHARS:
        return f"You said: {part}"
    return f"That is a long message, so here is only how it begins: {part}"


def cleaned(text: str) -> str:
    """Return the text as one line without control or direction characters."""
    return " ".join("".join(_speakable(character) for character in text).split())


def shortened(text: str) -> str:
    """Return the first sentences of the text, up to ``ECHO_LIMIT_CHARS`` characters; else its first words."""
    if len(text) <= ECHO_LIMIT_CHARS:
        return text
    kept = ""
    for sentence in _SENTENCE_END.split(text):
        if len(kept) + len(sentence) >= ECHO_LIMIT_CHARS:
            break
        kept = f"{kept} {sentence}".strip()
    if kept:
        return kept
    cut = text[: ECHO_LIMIT_CHARS - 1]
    words, space, _ = cut.rpartition(" ")
    return (words if space else cut).rstrip() + "…"


def sentences(text: str) -> list[str]:
    """Split a text into sentences; joined by spaces they are the text again."""
    return [sentence for sentence in (part.strip() for part in _SENTENCE_END.split(text)) if sentence]


def _known_answer(said: str, name: str) -> str | None:
    question = said.casefold().replace("’", "'").rstrip(".!? ").replace(",", "").replace("-", " ")
    for pattern, answer in _PATTERNS:
        if pattern.match(question):
            return answer.format(name_sentence=f"I'm {name}." if name else "I have no name.")
    return None


def _speakable(character: str) -> str:
    if character in _JOINERS:
        return character
    return " " if unicodedata.category(character) in _UNSPEAKABLE else character
