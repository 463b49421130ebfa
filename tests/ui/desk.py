"""The window with its real live page, on a model that a test drives, and hands that press."""

from dataclasses import dataclass

from PySide6.QtWidgets import QAbstractButton, QPushButton, QWidget

from atlas_desktop.ui.live.live_page import LivePage
from atlas_desktop.ui.live.statistics_card import StatisticsCard
from atlas_desktop.ui.talk.transcript_pane import TranscriptPane
from atlas_desktop.ui.window import MainWindow
from tests.ui.driven_model import DrivenModel


class ObservedPage(LivePage):
    """The live page; it notes what the window says to it."""

    full: list[bool]
    transcript: list[bool]

    def observe(self) -> None:
        """Begins to note."""
        self.full, self.transcript = [], []

    def show_full_screen(self, full: bool) -> None:
        super().show_full_screen(full)
        if hasattr(self, "full"):
            self.full.append(full)

    def show_transcript(self, shown: bool) -> None:
        super().show_transcript(shown)
        if hasattr(self, "transcript"):
            self.transcript.append(shown)

    def shows_statistics(self) -> bool:
        card = self.findChild(StatisticsCard)
        return card is not None and not card.isHidden()


@dataclass
class Desk:
    window: MainWindow
    model: DrivenModel
    stage: ObservedPage
    pane: TranscriptPane
    cues: QWidget

    def asked(self, name: str) -> list[tuple[object, ...]]:
        return [intent[1:] for intent in self.model.asked if intent[0] == name]


def button(window: QWidget, name: str) -> QAbstractButton:
    found = [child for child in window.findChildren(QPushButton) if child.accessibleName() == name]
    return next(child for child in found if child.isVisible())
