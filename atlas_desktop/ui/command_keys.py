"""The keys of the window, installed."""

from functools import partial

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from atlas_desktop.ui.shortcuts import Command, shortcuts_for


class CommandKeys(QObject):
    """Turns keys pressed anywhere in ``window`` into commands.

    Signals:
        pressed(object): The ``Command``.
    """

    pressed = Signal(object)

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        for row in shortcuts_for():
            shortcut = QShortcut(window)
            shortcut.setKeys([QKeySequence(keys) for keys in row.keys])
            # What costs money judges by the repetitions that a key is held: see ``PressPolicy``.
            shortcut.setAutoRepeat(row.command is Command.START)
            shortcut.activated.connect(partial(self.pressed.emit, row.command))
