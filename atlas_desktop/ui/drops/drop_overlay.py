"""The overlay that shows what a drop would do, while something is dragged over the window."""

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QLabel, QWidget

from atlas_desktop.api.source import Mode
from atlas_desktop.errors import N_, shown_name
from atlas_desktop.ui.controllers.notices import translated
from atlas_desktop.ui.drops.drop_plan import DropPlan
from atlas_desktop.ui.look.icons import draw_icon
from atlas_desktop.ui.look.layouts import make_column
from atlas_desktop.ui.look.plain_widgets import make_label
from atlas_desktop.ui.look.theme import Theme

_EDGE_PX = 16
_ICON_PX = 44
_RADIUS_PX = 20
ACCEPTED = N_("Accepted: sound and video files, folders of them, a PNG, JPEG or WebP picture, text.")


@dataclass(frozen=True, slots=True)
class DropContext:
    """Mode and state that decide what a drop does."""

    mode: Mode
    is_live: bool = False
    has_session: bool = False


@dataclass(frozen=True, slots=True)
class DropText:
    """Templates with their parameters: a headline, a line below it, and which icon goes with them."""

    icon: str
    headline: str
    detail: str
    params: dict[str, object]


class DropOverlay(QWidget):
    """A veil with a dashed frame, an icon and one or two lines. The pointer goes through it."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._icon = "speak"
        self._headline = make_label(size="title", wraps=True)
        self._detail = make_label(tone="dim", wraps=True)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        column = make_column(self, spacing_px=6, margins_px=(40, 40 + _ICON_PX, 40, 40))
        column.addStretch(1)
        for label in (self._headline, self._detail):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addWidget(label)
        column.addStretch(1)
        self.hide()

    @property
    def headline(self) -> str:
        """The line that says what would happen."""
        return self._headline.text()

    def show_text(self, words: DropText) -> None:
        """Cover the window and show ``words``."""
        self._icon = words.icon
        _set(self._headline, translated(words.headline, **words.params))
        _set(self._detail, translated(words.detail, **words.params) if words.detail else "")
        parent = self.parentWidget()
        if parent is not None:
            self.setGeometry(parent.rect())
        self.show()
        self.raise_()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint veil, frame and icon."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tokens = self._theme.tokens
        veil = QColor(tokens.bg)
        veil.setAlpha(248)
        painter.fillRect(self.rect(), veil)
        refuses = self._icon == "blocked"
        color = QColor(tokens.danger if refuses else tokens.accent)
        pen = QPen(color, 2, Qt.PenStyle.SolidLine if refuses else Qt.PenStyle.DashLine)
        pen.setDashPattern([5, 4])
        painter.setPen(pen)
        edge = QRectF(self.rect()).adjusted(_EDGE_PX, _EDGE_PX, -_EDGE_PX, -_EDGE_PX)
        painter.drawRoundedRect(edge, _RADIUS_PX, _RADIUS_PX)
        top = self._headline.geometry().top() - _ICON_PX - 12
        draw_icon(painter, self._icon, QRectF((self.width() - _ICON_PX) / 2, top, _ICON_PX, _ICON_PX), color)
        painter.end()


def text_for(plan: DropPlan, context: DropContext) -> DropText:
    """Return the texts for what ``plan`` would do in ``context``."""
    refused = ", ".join(plan.all_refused[:3]) + (" …" if len(plan.all_refused) > 3 else "")
    params: dict[str, object] = {"refused": refused}
    if plan.audio:
        first = plan.audio[0]
        params |= {
            "count": len(plan.audio),
            "name": shown_name(first.name or first),
            "face": _face_name(plan),
        }
        if len(plan.audio) > 1 and plan.unknown:
            headline = N_("Drop to speak them all, in this order")
        elif len(plan.audio) > 1:
            headline = N_("Drop to speak all {count}, in this order")
        elif first in plan.unknown:
            headline = N_("Drop to speak the sound in “{name}”")
        else:
            headline = N_("Drop to speak")
        return DropText("speak", headline, _audio_detail(plan, context), params)
    if plan.gives_face:
        params["name"] = _face_name(plan)
        detail = N_("{name}, from the next session on") if context.has_session else N_("{name}")
        if plan.all_refused:
            detail = N_("Not accepted: {refused}")
        return DropText("picture", N_("Becomes the face"), detail, params)
    if plan.message:
        waits = "" if context.has_session else N_("It waits in the message box of the next session")
        return DropText("transcript", N_("Becomes the message"), waits, params)
    if plan.all_refused:
        return DropText("blocked", N_("Not accepted: {refused}"), ACCEPTED, params)
    return DropText("blocked", N_("Not accepted"), ACCEPTED, params)


def _audio_detail(plan: DropPlan, context: DropContext) -> str:
    if plan.all_refused and plan.gives_face:
        return N_("{face} becomes the face. Not accepted: {refused}")
    if plan.all_refused:
        return N_("Not accepted: {refused}")
    if plan.gives_face:
        return N_("{face} becomes the face")
    if context.has_session and context.mode is Mode.CONVERSATION:
        return N_("It waits in the strip: speaking a file needs passthrough")
    if not context.is_live:
        return N_("It waits in the strip and is spoken as soon as the avatar is live")
    return N_("{name}") if len(plan.audio) == 1 else ""


def _face_name(plan: DropPlan) -> str:
    if plan.face is not None:
        return shown_name(plan.face.name)
    return Path(plan.face_url).name if plan.face_url else "Picture"


def _set(label: QLabel, text: str) -> None:
    label.setText(text)
    label.setVisible(bool(text))
