"""The settings that a user sees, as one table. The settings dialog is built from it.

To add a setting: a field with its default in ``storage.settings.Settings``, and a row here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum

from atlas_desktop.errors import N_
from atlas_desktop.storage.settings import RendererSetting, ThemeChoice
from atlas_desktop.ui.look.amount_field import Unit


@dataclass(frozen=True, slots=True)
class Toggle:
    """A switch for a boolean setting."""

    name: str
    label: str


@dataclass(frozen=True, slots=True)
class Choice:
    """Buttons side by side for a setting of an enum.

    Attributes:
        name: Of the setting.
        labels: One for each value, in the order of display.
        caption: A line above.
        button_name: Template of the buttons' accessible names, with ``{choice}``.
    """

    name: str
    labels: Mapping[StrEnum, str]
    caption: str = ""
    button_name: str = "{choice}"


@dataclass(frozen=True, slots=True)
class Amount:
    """A number with its unit; its range is in ``storage.settings.RANGES``."""

    name: str
    label: str
    unit: Unit


class Composite(Enum):
    """Rows whose controls depend on each other: each is a widget of its own."""

    DEVICES = "devices"
    SYNC = "sync"
    PROXY = "proxy"


Row = Toggle | Choice | tuple[Amount, ...] | Composite


@dataclass(frozen=True, slots=True)
class SettingsSection:
    """Rows below a title."""

    title: str
    rows: tuple[Row, ...]


_DOLLARS = Unit(is_money=True)
_MINUTES = Unit(suffix=N_(" min"), worth=60.0)

LIMITS = (
    Amount("limit_session_usd", N_("A session costs at most"), _DOLLARS),
    Amount("limit_session_s", N_("A session lasts at most"), _MINUTES),
    Amount("limit_day_usd", N_("A day costs at most"), _DOLLARS),
    Amount("limit_idle_s", N_("It ends when nobody is there for"), _MINUTES),
)
"""The limits that are shown before the first paid session, too."""

SECTIONS = (
    SettingsSection(
        N_("Look"),
        (
            Choice(
                "theme",
                {
                    ThemeChoice.SYSTEM: N_("As the system"),
                    ThemeChoice.DARK: N_("Dark"),
                    ThemeChoice.LIGHT: N_("Light"),
                },
            ),
            Toggle("reduce_motion", N_("Reduce motion")),
            Choice(
                "picture_path",
                {
                    RendererSetting.AUTO: N_("Automatic"),
                    RendererSetting.RASTER: N_("Processor"),
                    RendererSetting.GL: N_("Graphics card"),
                },
                caption=N_("Who paints the picture, from the next start on"),
            ),
        ),
    ),
    SettingsSection(
        N_("Conversation"), (Toggle("microphone_on_connect", N_("Microphone on when connected")),)
    ),
    SettingsSection(N_("Sound devices"), (Composite.DEVICES,)),
    SettingsSection(N_("Picture and sound"), (Composite.SYNC,)),
    SettingsSection(N_("Audio files"), (Toggle("match_loudness", N_("Same loudness for all audio files")),)),
    SettingsSection(
        N_("Limits of paid sessions"),
        ((*LIMITS, Amount("limit_hang_s", N_("It ends when the program hangs for"), Unit(suffix=N_(" s")))),),
    ),
    SettingsSection(N_("Proxy"), (Composite.PROXY,)),
)
