import pytest

from atlas_desktop.ui.look.tokens import (
    DARK,
    LIGHT,
    OVERLAY_BASE,
    OVERLAY_DIM,
    OVERLAY_TEXT,
    Tokens,
    luminance,
    mix,
)

BOTH = pytest.mark.parametrize("tokens", [DARK, LIGHT], ids=["dark", "light"])


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21. Source: WCAG 2.2, definition of contrast ratio."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_is_that_of_the_definition() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21.0)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)
    assert contrast("#FFFFFF", "#777777") == contrast("#777777", "#FFFFFF")


def test_mix_lays_one_colour_over_another() -> None:
    assert mix("#FFFFFF", "#000000", 0.5) == "#808080"
    assert mix("#123456", "#ABCDEF", 1.0) == "#123456"


@BOTH
@pytest.mark.parametrize("words", ["text", "dim"])
def test_words_are_legible_on_every_ground(tokens: Tokens, words: str) -> None:
    for ground in ("bg", "surface", "raised", "hover"):
        assert contrast(getattr(tokens, words), getattr(tokens, ground)) >= 4.5, ground


@BOTH
@pytest.mark.parametrize(
    ("words", "ground"),
    [
        ("accent", "bg"),
        ("accent", "surface"),
        ("accent", "raised"),
        ("accent", "accent_soft"),
        ("danger", "bg"),
        ("danger", "surface"),
        ("danger", "danger_soft"),
        ("danger", "danger_pressed"),
        ("on_accent", "accent"),
        ("on_accent", "accent_hover"),
        ("text", "pressed"),
    ],
)
def test_coloured_words_are_legible_where_they_are_used(tokens: Tokens, words: str, ground: str) -> None:
    assert contrast(getattr(tokens, words), getattr(tokens, ground)) >= 4.5


@BOTH
@pytest.mark.parametrize("graphic", ["live", "warn", "danger", "accent"])
def test_dots_rings_and_icons_can_be_seen(tokens: Tokens, graphic: str) -> None:
    for ground in ("bg", "surface", "raised"):
        assert contrast(getattr(tokens, graphic), getattr(tokens, ground)) >= 3.0, ground


def test_words_on_the_picture_are_legible_over_white() -> None:
    # The worst picture: pure white under glass of 184/255.
    glass = mix(OVERLAY_BASE, "#FFFFFF", 184 / 255)
    assert contrast(OVERLAY_TEXT, glass) >= 4.5
    assert contrast(OVERLAY_DIM, OVERLAY_BASE) >= 4.5
