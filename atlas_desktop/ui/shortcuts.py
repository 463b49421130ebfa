"""The keys, as one table per platform, and the F1 dialog that shows them."""

import sys
from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QWidget

from atlas_desktop.errors import N_
from atlas_desktop.ui.controllers.notices import translated
from atlas_desktop.ui.look.controls import Button, ButtonKind
from atlas_desktop.ui.look.layouts import make_column
from atlas_desktop.ui.look.plain_widgets import make_label
from atlas_desktop.ui.look.theme import Theme


class Command(StrEnum):
    """What a key does anywhere in the window."""

    START = "start"
    END = "end"
    ESCAPE = "escape"
    MICROPHONE = "microphone"
    OPEN_AUDIO = "open_audio"
    TRANSCRIPT = "transcript"
    FULL_SCREEN = "full_screen"
    SAVE_TRANSCRIPT = "save_transcript"
    STATISTICS = "statistics"
    SETTINGS = "settings"
    SHORTCUTS = "shortcuts"


@dataclass(frozen=True, slots=True)
class Shortcut:
    """One row: the command, its keys in Qt's portable form, and what it does, as a template."""

    command: Command
    keys: tuple[str, ...]
    words: str


@dataclass(frozen=True, slots=True)
class FixedKey:
    """A key that belongs to a field and is shown only."""

    keys: str
    words: str


SHORTCUTS = (
    Shortcut(
        Command.START, ("Ctrl+Return", "Ctrl+Enter"), N_("Start, or start again; in the message: send it")
    ),
    Shortcut(Command.END, ("Ctrl+E",), N_("End the session")),
    Shortcut(Command.ESCAPE, ("Esc",), N_("Close a card or drawer, else interrupt, else leave full screen")),
    Shortcut(Command.MICROPHONE, ("Ctrl+M",), N_("Microphone on or off")),
    Shortcut(Command.OPEN_AUDIO, ("Ctrl+O",), N_("Open audio files")),
    Shortcut(Command.TRANSCRIPT, ("Ctrl+T",), N_("Show or hide the transcript")),
    Shortcut(Command.FULL_SCREEN, ("F11",), N_("Full screen: the picture alone")),
    Shortcut(Command.SAVE_TRANSCRIPT, ("Ctrl+S",), N_("Save the transcript")),
    Shortcut(Command.STATISTICS, ("Ctrl+Shift+I",), N_("Statistics of picture and sound")),
    Shortcut(Command.SETTINGS, ("Ctrl+,",), N_("Settings")),
    Shortcut(Command.SHORTCUTS, ("F1",), N_("These keys")),
)


FIXED_KEYS = (
    FixedKey("Return", N_("Send the message")),
    FixedKey("Shift+Return", N_("New line in the message")),
    FixedKey("Space", N_("Held down on the picture: talk")),
)


# ⌘M and ⌘H belong to macOS; F11 shows its desktop. ⌘, is where it expects the settings. Qt's "Ctrl" is ⌘.
_ON_MACOS = {
    Command.MICROPHONE: ("Ctrl+Shift+M",),
    Command.FULL_SCREEN: ("Meta+Ctrl+F",),
    Command.SHORTCUTS: ("Ctrl+?", "F1"),
}


def shortcuts_for(platform: str = sys.platform) -> tuple[Shortcut, ...]:
    """The table of a platform, named as ``sys.platform`` does."""
    if platform != "darwin":
        return SHORTCUTS
    return tuple(Shortcut(row.command, _ON_MACOS.get(row.command, row.keys), row.words) for row in SHORTCUTS)


class ShortcutsDialog(QDialog):
    """Shows every key of this platform in its native writing. Open it with ``open()``."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Keys"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        column = make_column(self, spacing_px=16, margins_px=(24, 20, 24, 20))
        column.addWidget(make_label(self.tr("Keys"), size="heading"))
        column.addLayout(self._table(theme))
        close = Button(theme, self.tr("Close"), ButtonKind.PRIMARY)
        close.clicked.connect(self.accept)
        close.setDefault(True)
        line = QHBoxLayout()
        line.addStretch(1)
        line.addWidget(close)
        column.addStretch(1)
        column.addLayout(line)

    def _table(self, theme: Theme) -> QGridLayout:
        rows = [(row.keys[0], row.words) for row in shortcuts_for()]
        rows += [(row.keys, row.words) for row in FIXED_KEYS]
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(9)
        grid.setColumnStretch(1, 1)
        for number, (keys, words) in enumerate(rows):
            native = QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)
            caption = make_label(native)
            caption.setFont(theme.font(strong=True))
            label = make_label(translated(words), tone="dim", wraps=True)
            caption.setAccessibleName(f"{native}: {label.text()}")
            grid.addWidget(caption, number, 0)
            grid.addWidget(label, number, 1)
        return grid
