"""Our own line icons: SVG files tinted by colour, drawn when first needed."""

from functools import cache, lru_cache

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

from atlas_desktop.assets import resources_dir

ICON_PX = 18


@cache
def svg_text(name: str) -> str:
    """The source of ``resources/icons/NAME.svg``.

    Raises:
        FileNotFoundError: There is no such icon.
    """
    return (resources_dir() / "icons" / f"{name}.svg").read_text(encoding="utf-8")


# An image, not a pixmap: it may outlive the application object.
@lru_cache(maxsize=256)
def icon_image(name: str, color: str, size_px: int = ICON_PX, ratio: float = 1.0) -> QImage:
    """Draw an icon in one colour.

    Args:
        name: File name without ending.
        color: ``#RRGGBB`` for everything that the file leaves to ``currentColor``.
        size_px: Width and height in device-independent pixels.
        ratio: The screen's device pixel ratio; the image carries it.
    """
    image = QImage(round(size_px * ratio), round(size_px * ratio), QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    source = svg_text(name).replace("currentColor", color)
    painter = QPainter(image)
    QSvgRenderer(QByteArray(source.encode())).render(painter, QRectF(image.rect()))
    painter.end()
    image.setDevicePixelRatio(ratio)
    return image


def draw_icon(painter: QPainter, name: str, box: QRectF, color: QColor) -> None:
    """Draw an icon, centred in ``box``, as large as its shorter side, sharp on every screen."""
    size_px = round(min(box.width(), box.height()))
    ratio = painter.device().devicePixelRatioF()
    image = icon_image(name, color.name(), size_px, ratio)
    left, top = round(box.center().x() - size_px / 2), round(box.center().y() - size_px / 2)
    painter.save()
    painter.setOpacity(painter.opacity() * color.alphaF())
    # Whole pixels: lines of 1.8 px blur when they start between two.
    painter.drawImage(QRectF(left, top, size_px, size_px), image)
    painter.restore()
