"""What lies on the picture is drawn once, not with each frame below it."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from atlas_desktop.ui.look.paint_cache import PaintCache
from atlas_desktop.ui.look.pill import Pill
from atlas_desktop.ui.look.theme import Theme


class Spot(QWidget):
    """A disc in a colour, on whatever lies below."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cache = PaintCache()
        self.color = "#ff0000"
        self.drawn = 0

    def paintEvent(self, event: QPaintEvent) -> None:
        self.cache.paint(self, self.color, self.draw)

    def draw(self, painter: QPainter) -> None:
        self.drawn += 1
        painter.setBrush(QColor(self.color))
        painter.drawEllipse(self.rect())


class Ground(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.color = "#00ff00"

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self.color))
        painter.end()


def stacked(qtbot: QtBot) -> tuple[Ground, Spot]:
    ground = Ground()
    qtbot.addWidget(ground)
    ground.resize(60, 60)
    spot = Spot(ground)
    spot.setGeometry(10, 10, 40, 40)
    ground.show()
    qtbot.waitExposed(ground)
    return ground, spot


def test_frames_below_cost_no_drawing(qtbot: QtBot) -> None:
    ground, spot = stacked(qtbot)
    ground.grab()
    before = spot.drawn
    for color in ("#0000ff", "#123456", "#654321"):
        ground.color = color
        ground.repaint()
        image = ground.grab().toImage()
        assert image.pixelColor(2, 2).name() == color
        assert image.pixelColor(11, 11).name() == color  # outside the disc
        assert image.pixelColor(30, 30).name() == "#ff0000"
    assert spot.drawn == before


def test_another_look_size_or_direction_is_drawn_anew(qtbot: QtBot) -> None:
    ground, spot = stacked(qtbot)
    spot.color = "#ffffff"
    spot.repaint()
    assert ground.grab().toImage().pixelColor(30, 30).name() == "#ffffff"
    drawn = spot.drawn
    spot.resize(30, 30)
    ground.grab()
    spot.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    ground.grab()
    ground.grab()
    assert spot.drawn == drawn + 2


def test_a_pill_shows_its_new_words(qtbot: QtBot, theme: Theme) -> None:
    pill = Pill(theme)
    qtbot.addWidget(pill)
    pill.set_parts(plain="00:01")
    pill.resize(pill.sizeHint())
    first = pill.grab().toImage()
    pill.set_parts(plain="00:02")
    assert pill.grab().toImage() != first
    pill.set_parts(plain="00:01")
    assert pill.grab().toImage() == first
