"""The window on a desk without a session: a fake model, a fake stage, and hands that press."""

from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QAbstractButton, QPushButton, QWidget

from atlas_desktop.ui.look.controls import Button
from atlas_desktop.ui.window import MainWindow
from tests.ui.fake_model import FakeModel


class FakeStage(QWidget):
    full_screen_requested = Signal(bool)
    transcript_requested = Signal(bool)
    settings_requested = Signal()
    open_audio_requested = Signal()
    back_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.full: list[bool] = []
        self.transcript: list[bool] = []
        self.statistics: list[bool] = [False]
        self.paid_control: Button | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def show_full_screen(self, full: bool) -> None:
        self.full.append(full)

    def show_transcript(self, shown: bool) -> None:
        self.transcript.append(shown)

    def toggle_statistics(self) -> None:
        self.statistics.append(not self.statistics[-1])

    def close_statistics(self) -> bool:
        was_open = self.statistics[-1]
        if was_open:
            self.statistics.append(False)
        return was_open


@dataclass
class Desk:
    window: MainWindow
    model: FakeModel
    stage: FakeStage
    pane: QWidget
    cues: QWidget

    def asked(self, name: str) -> list[tuple[object, ...]]:
        return [intent[1:] for intent in self.model.asked if intent[0] == name]


def button(window: QWidget, name: str) -> QAbstractButton:
    found = [child for child in window.findChildren(QPushButton) if child.accessibleName() == name]
    return next(child for child in found if child.isVisible())
