"""The keys, as a dialog (F1)."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from atlas_desktop.ui.desks.notices import said
from atlas_desktop.ui.look.controls import Button, ButtonKind
from atlas_desktop.ui.look.labels import make_label
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.shortcuts import FIXED_KEYS, shortcuts_for


class ShortcutsDialog(QDialog):
    """Shows every key of this platform in its native writing. Open it with ``open()``."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Keys"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 20)
        column.setSpacing(16)
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
            label = make_label(said(words), tone="dim", wraps=True)
            caption.setAccessibleName(f"{native}: {label.text()}")
            grid.addWidget(caption, number, 0)
            grid.addWidget(label, number, 1)
        return grid
