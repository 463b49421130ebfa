"""The strip below the messages while some of them never went out: how many, and *Send again*."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.ui.look.controls import Button
from atlas_desktop.ui.look.labels import make_label
from atlas_desktop.ui.look.theme import Theme


class UnsentBar(QFrame):
    """Says what an earlier session left unsent. Where no session takes messages, there is no button.

    Signals:
        send_again_requested(): Send it in this session.
    """

    send_again_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words = make_label(tone="warn", size="small", wraps=True)
        self._again = Button(theme, self.tr("Send again"))
        self._again.set_height(32)
        self._again.clicked.connect(self.send_again_requested)
        line = QHBoxLayout(self)
        line.setContentsMargins(16, 4, 16, 4)
        line.setSpacing(8)
        line.addWidget(self._words, 1)
        line.addWidget(self._again)
        self.hide()

    def show_snapshot(self, snapshot: SessionSnapshot) -> None:
        """To be called in every state; it hides itself when nothing is unsent."""
        count = snapshot.not_sent
        if count:
            one, many = self.tr("1 message was not sent"), self.tr("{count} messages were not sent")
            words = one if count == 1 else many.format(count=count)
            self._words.setText(words)
            self._words.setAccessibleName(words)
        self._again.setVisible(snapshot.takes_messages)
        self.setVisible(count > 0)
