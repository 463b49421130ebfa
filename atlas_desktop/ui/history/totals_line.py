"""What today and this month have cost, in two large figures."""

from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from atlas_desktop.storage.history import Totals
from atlas_desktop.ui.look.amounts import money
from atlas_desktop.ui.look.labels import make_label
from atlas_desktop.ui.look.theme import Theme


class TotalsLine(QWidget):
    """Shows ``Totals``; empty until it is given some."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._line = QHBoxLayout(self)
        self._line.setContentsMargins(0, 0, 0, 0)
        self._line.setSpacing(40)
        self._today = self._add(theme, self.tr("Today"))
        self._month = self._add(theme, self.tr("This month"))
        self._line.addStretch(1)

    def show_totals(self, totals: Totals) -> None:
        """Shows other figures."""
        day, month = money(totals.day_usd), money(totals.month_usd)
        self._today.setText(day)
        self._today.setAccessibleName(self.tr("Today: {cost}").format(cost=day))
        self._month.setText(month)
        self._month.setAccessibleName(self.tr("This month: {cost}").format(cost=month))

    def _add(self, theme: Theme, caption: str) -> QLabel:
        # A blank holds the line's height until the figures come.
        figure = make_label(" ", size="title")
        figure.setFont(theme.font(22, strong=True))
        pair = QVBoxLayout()
        pair.setSpacing(2)
        pair.addWidget(make_label(caption, tone="dim", size="small"))
        pair.addWidget(figure)
        self._line.addLayout(pair)
        return figure
