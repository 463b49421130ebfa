"""Words from elsewhere, made fit for a log and a terminal: nothing in them is obeyed.

A file's name may hold a newline that forges a log line, a terminal's control sequences, or signs that turn
the direction of what follows (CVE-2021-42574). They are written as escapes: nothing is lost, nothing acts.
"""


def one_line(text: str) -> str:
    """``text`` on one line, with every sign that can't be printed as Python escapes it in a string."""
    return text if text.isprintable() else "".join(map(_escaped, text))


def terminal_text(text: str) -> str:
    """The same for text of several lines: its line breaks stay."""
    return "\n".join(one_line(line) for line in text.split("\n"))


def _escaped(sign: str) -> str:
    return sign if sign.isprintable() else sign.encode("unicode_escape", "surrogatepass").decode("ascii")
