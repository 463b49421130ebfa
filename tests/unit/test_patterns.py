"""No pattern of ours takes long over any text: what a service, a room or a file sends may be a megabyte.

One that backtracks takes seconds over a tenth of that; all the others, over all of it, would take a minute.
"""

import importlib
import pkgutil
import re
import time
from collections.abc import Iterator

import pytest

import atlas_desktop
from atlas_desktop.api.response import HttpResponse, first_line
from atlas_desktop.logs import redact

CHARACTERS = 100_000
LIMIT_S = 0.05
ATTEMPTS = 3
# Each makes some part of a pattern begin again and again, or run to the end in vain.
PIECES = [
    *("1", "a", " ", "\n", "\t", ":", ".", "-", "[", "<", "$", "/", "@", "=", ",", "x" * 199 + " ", "\ud800"),
    *("1.", ".1", "1 ", "$ ", "$1 ", "usd ", "usd", "1usd ", "a.", "a:", "a/", "a@", "://", "://a", "//a:"),
    *("<script ", "<!--", "<title ", "</", "mode ", "invalid ", "not ", "KEY", "KEY =", "export ", "KEY "),
    *("ak_-", "-ak_", "eyJ-", "eyJ.", "eyJaaaaaaaa.", "aaaaaaaaaaaa.a", "bearer ", "bearer  ", "token="),
    *("a=candidate:", "a=candidate: .local ", ".local ", "a=ice-ufrag:", "candidate:", "pcm_s16", "pcm_"),
    *("400 ", "ses_0", "what ", "what is ", "rehearse ", "yyyy", ". ", '." ', "aeiou"),
]


def patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    for module in pkgutil.walk_packages(atlas_desktop.__path__, "atlas_desktop."):
        if not module.name.endswith("__main__"):
            for name, value in vars(importlib.import_module(module.name)).items():
                for one in value if isinstance(value, tuple) else (value,):
                    for part in one if isinstance(one, tuple) else (one,):
                        if isinstance(part, re.Pattern):
                            yield f"{module.name.removeprefix('atlas_desktop.')}.{name}", part


def taken_s(pattern: re.Pattern[str], text: str) -> float:
    began_s = time.thread_time()
    pattern.fullmatch(text)
    pattern.search(text)
    return time.thread_time() - began_s


def is_quick(pattern: re.Pattern[str], piece: str) -> bool:
    # Longer and longer: one that backtracks would take hours over the longest.
    for characters in (1_000, 10_000, CHARACTERS):
        text = (piece * characters)[:characters]
        if all(taken_s(pattern, text) > LIMIT_S for _ in range(ATTEMPTS)):
            return False
    return True


def test_no_pattern_takes_long_over_any_text() -> None:
    ours = {(name, pattern.pattern): pattern for name, pattern in patterns()}
    assert len(ours) > 30
    slow = [(name, piece) for name, one in ours.items() for piece in PIECES if not is_quick(one, piece)]
    assert slow == []


def test_a_pattern_that_backtracks_is_found() -> None:
    assert not is_quick(re.compile(r"\s*\s*x"), " ")


@pytest.mark.parametrize("piece", PIECES)
def test_what_is_read_out_of_a_page_takes_no_time(piece: str) -> None:
    content = (piece * CHARACTERS * 10)[: CHARACTERS * 10].encode("utf-8", "replace")
    began_s = time.thread_time()
    line = first_line(HttpResponse("host", 502, {"content-type": "text/html"}, content))
    assert time.thread_time() - began_s < ATTEMPTS * LIMIT_S
    assert len(line) <= 200


def test_a_room_token_is_blanked_whatever_it_is_glued_to() -> None:
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJwZXJzb24ifQ.c2lnbmF0dXJl"
    for text in (token, f"x{token}", f"a-{token}", f"said.{token}", f"a.module.name.{token}-b", f"({token})"):
        assert "c2lnbmF0dXJl" not in redact(text)
        assert "eyJzdWIi" not in redact(text)
    kept = "atlas_desktop.session.room_errors and 10.example.com"
    assert redact(kept) == kept
