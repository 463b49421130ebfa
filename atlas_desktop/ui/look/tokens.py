"""Colours as named tokens, in one place. No Qt."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tokens:
    """One set of colours, ``#RRGGBB`` each.

    ``on_accent`` is what is written on ``accent``. ``live`` and ``warn`` are for dots, meters and icons,
    never for words: in the light set they reach the 3:1 of graphics, not the 4.5:1 of text.
    """

    bg: str
    stage: str
    surface: str
    raised: str
    line: str
    text: str
    dim: str
    accent: str
    on_accent: str
    live: str
    warn: str
    danger: str

    @property
    def hover(self) -> str:
        """The hovered ``raised``."""
        return mix(self.text, self.raised, 0.07)

    @property
    def pressed(self) -> str:
        """The pressed ``raised``."""
        return mix(self.text, self.raised, 0.13)

    @property
    def accent_hover(self) -> str:
        """The hovered ``accent``, away from ``on_accent``, so that its contrast only grows."""
        return mix("#FFFFFF" if self.is_dark else "#000000", self.accent, 0.13)

    @property
    def accent_soft(self) -> str:
        """The background of a control that is on, with text in ``accent``."""
        return mix(self.accent, self.surface, 0.16 if self.is_dark else 0.12)

    @property
    def danger_soft(self) -> str:
        """The background of text in ``danger``."""
        return mix(self.danger, self.surface, 0.16 if self.is_dark else 0.1)

    @property
    def danger_pressed(self) -> str:
        """The hovered ``danger_soft``: nearer to ``surface``, so that ``danger`` keeps its contrast."""
        return mix(self.danger, self.surface, 0.1 if self.is_dark else 0.05)

    @property
    def is_dark(self) -> bool:
        """Whether text is lighter than what it stands on."""
        return luminance(self.text) > luminance(self.bg)


DARK = Tokens(
    bg="#0E1014",
    stage="#090A0D",
    surface="#161920",
    raised="#1F232C",
    line="#2A2F3A",
    text="#E8EBF0",
    dim="#98A1B0",
    accent="#7C93FF",
    on_accent="#0E1014",
    live="#45D08A",
    warn="#F3BC55",
    danger="#F2646A",
)
LIGHT = Tokens(
    bg="#F4F5F8",
    stage="#0E1014",
    surface="#FFFFFF",
    raised="#EEF0F4",
    line="#DDE1E8",
    text="#15181E",
    dim="#5A6372",
    accent="#3E57E8",
    on_accent="#FFFFFF",
    live="#16915A",
    warn="#9A6700",
    danger="#C9313A",
)

# On the picture, in both themes: the picture is dark around its edges whatever the theme is.
OVERLAY_TEXT = "#E8EBF0"
OVERLAY_DIM = "#B4BBC7"
OVERLAY_ALPHA = 184
OVERLAY_BASE = "#0C0E12"

RADIUS_CONTROL_PX = 10
RADIUS_CARD_PX = 14
RADIUS_FACE_PX = 20
CONTROL_HEIGHT_PX = 40


def channels(color: str) -> tuple[int, int, int]:
    """Split ``#RRGGBB`` into its three bytes."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def mix(top: str, under: str, share: float) -> str:
    """Blend ``top`` over ``under`` with an opacity of ``share`` (0 to 1)."""
    pairs = zip(channels(top), channels(under), strict=True)
    return "#" + "".join(f"{round(a * share + b * (1 - share)):02X}" for a, b in pairs)


def luminance(color: str) -> float:
    """Return the relative luminance, 0 to 1. Source: WCAG 2.2, definition of relative luminance."""

    def linear(byte: int) -> float:
        value = byte / 255
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    red, green, blue = channels(color)
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
