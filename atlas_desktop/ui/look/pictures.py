"""Faces as pictures: read scaled, cached small, drawn rounded."""

from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMimeData, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QImageReader, QImageWriter, QPainter, QPainterPath

from atlas_desktop.api.source import FACE_EDGE_PX, Face

PastedPicture: TypeAlias = bytes | QImage
"""A picture that came without a file: PNG as the other program made it, else what Qt made of it."""

_PNG = "image/png"
# A picture larger than this is refused by the decoder instead of filling the memory.
_ALLOCATION_LIMIT_MB = 256
# How a face begins by the time it is shown. Qt reads more, PDF and SVG among them: each runs in this process.
_STARTS = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg", b"RIFF": "webp"}
# What is read at once, in some 15 ms.
_QUICK_PIXELS = 1_200_000


@lru_cache(maxsize=32)
def picture_of_file(path: Path, side_px: int) -> QImage:
    """The picture in ``path``, scaled to cover a square of ``side_px`` device pixels.

    Null when it can't be read.
    """
    try:
        content = path.read_bytes()
    except OSError:
        return QImage()
    buffer = QBuffer()
    return _read(_reader_of(content, buffer), side_px)


def picture_of_face(face: Face, side_px: int) -> QImage:
    """The picture of ``face``, scaled to cover ``side_px``. Null for one at an address, or unreadable.

    Thread: any.
    """
    if face.content is None:
        return QImage()
    buffer = QBuffer()
    return _read(_reader_of(face.content, buffer), side_px)


def is_large(face: Face) -> bool:
    """Whether reading the picture of ``face`` takes long enough to be felt."""
    if face.content is None:
        return False
    buffer = QBuffer()
    size = _reader_of(face.content, buffer).size()
    return size.isValid() and size.width() * size.height() > _QUICK_PIXELS


def _reader_of(content: bytes, buffer: QBuffer) -> QImageReader:
    """Return a reader of ``content`` through ``buffer``, which must outlive it."""
    buffer.setData(QByteArray(content))
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    # Asked to find the format by itself, Qt loads every plugin that it has, and hands each the content.
    known = next((name for start, name in _STARTS.items() if content.startswith(start)), "")
    reader = QImageReader(buffer, QByteArray(known.encode()))
    reader.setAutoDetectImageFormat(False)
    reader.setAutoTransform(True)
    return reader


def draw_rounded(painter: QPainter, picture: QImage, box: QRectF, radius_px: float) -> None:
    """Draw the middle square of ``picture`` over ``box`` with round corners."""
    outline = QPainterPath()
    outline.addRoundedRect(box, radius_px, radius_px)
    side = min(picture.width(), picture.height())
    middle = QRectF((picture.width() - side) / 2, (picture.height() - side) / 2, side, side)
    painter.save()
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
    painter.setClipPath(outline)
    painter.drawImage(box, picture, middle)
    painter.restore()


def face_title(name: str) -> str:
    """The name of a shipped face from its file's: ``02-mira.png`` is "Mira"."""
    stem = Path(name).stem
    stem = stem.split("-", 1)[-1] if stem[:1].isdigit() else stem
    return stem.replace("_", " ").replace("-", " ").title()


def pasted_picture(data: QMimeData) -> PastedPicture:
    """The picture in what was dropped or pasted, empty where there is none; not unpacked, that takes long."""
    if data.hasFormat(_PNG) and (content := bytes(data.data(_PNG).data())):
        return content
    picture = data.imageData() if data.hasImage() else None
    return picture if isinstance(picture, QImage) and not picture.isNull() else b""


def png_bytes(picture: PastedPicture) -> bytes:
    """Encode ``picture`` as PNG, scaled down where that would take seconds. Thread: any.

    A face is drawn no larger (``api.face_picture``). Nothing where it is none.
    """
    if isinstance(picture, bytes):
        buffer = QBuffer()
        picture = _read(_reader_of(picture, buffer), FACE_EDGE_PX)
    if max(picture.width(), picture.height()) > FACE_EDGE_PX:
        bounds = QSize(FACE_EDGE_PX, FACE_EDGE_PX)
        picture = picture.scaled(
            bounds, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
    store = QByteArray()
    buffer = QBuffer(store)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    QImageWriter(buffer, QByteArray(b"png")).write(picture)
    return bytes(store.data())


def _read(reader: QImageReader, side_px: int) -> QImage:
    QImageReader.setAllocationLimit(_ALLOCATION_LIMIT_MB)
    if reader.format().isEmpty():
        return QImage()
    size = reader.size()
    if size.isValid() and min(size.width(), size.height()) > side_px:
        reader.setScaledSize(
            size.scaled(QSize(side_px, side_px), Qt.AspectRatioMode.KeepAspectRatioByExpanding)
        )
    return reader.read()
