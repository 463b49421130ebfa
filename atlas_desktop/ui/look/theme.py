"""The theme: follows the system or the user's choice, and emits changes."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QColor, QFont, QFontInfo, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from atlas_desktop.storage.settings import ThemeChoice
from atlas_desktop.ui.look.stylesheet import stylesheet
from atlas_desktop.ui.look.tokens import DARK, LIGHT, Tokens

BASE_FONT_PX = 14


class Theme(QObject):
    """The colours and fonts of every widget of the program.

    Widgets that paint by themselves read ``tokens`` in their ``paintEvent``; a change of palette
    repaints them all, so only pictures made ahead need ``changed``.

    Signals:
        changed(): Other tokens hold, or motion was allowed or forbidden.
    """

    changed = Signal()

    def __init__(
        self,
        application: QApplication,
        choice: ThemeChoice = ThemeChoice.SYSTEM,
        system_scheme: Callable[[], Qt.ColorScheme] | None = None,
    ) -> None:
        """Create the theme and apply it.

        Args:
            application: What is dressed.
            choice: The user's choice.
            system_scheme: Asks the system; Qt's own answer when not given.
        """
        super().__init__(application)
        self._system_scheme = system_scheme or QGuiApplication.styleHints().colorScheme
        self._application = application
        self._choice = choice
        self._reduce_motion = False
        self._tokens: Tokens | None = None
        self._base_px = max(BASE_FONT_PX, QFontInfo(application.font()).pixelSize())
        application.setStyle("Fusion")
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._follow_system)
        self._ask_platform()
        self._apply()

    @property
    def tokens(self) -> Tokens:
        """The colours that hold now."""
        return self._tokens or DARK

    def set_choice(self, choice: ThemeChoice) -> None:
        """Follow the system, or stay dark or light."""
        if choice is not self._choice:
            self._choice = choice
            self._ask_platform()
            self._apply()

    def set_reduce_motion(self, reduce: bool) -> None:
        """Forbid or allow motion."""
        if reduce != self._reduce_motion:
            self._reduce_motion = reduce
            self.changed.emit()

    def motion_ms(self, wanted_ms: int) -> int:
        """Return the duration of a motion: as given, 200 ms at most, 0 with "reduce motion"."""
        return 0 if self._reduce_motion else min(wanted_ms, 200)

    def color(self, name: str) -> QColor:
        """The token ``name`` as a colour."""
        return QColor(getattr(self.tokens, name))

    def font(self, size_px: int = BASE_FONT_PX, *, strong: bool = False) -> QFont:
        """The system's font with tabular figures; sizes grow with the system's own.

        Args:
            size_px: Size at the design's base of 14 px.
            strong: Demi-bold.
        """
        font = QFont(self._application.font())
        font.setPixelSize(round(size_px * self._base_px / BASE_FONT_PX))
        font.setWeight(QFont.Weight.DemiBold if strong else QFont.Weight.Normal)
        font.setFeature(QFont.Tag("tnum"), 1)
        return font

    @Slot()
    def _follow_system(self) -> None:
        if self._choice is ThemeChoice.SYSTEM:
            self._apply()

    def _ask_platform(self) -> None:
        # The platform then draws title bar and native dialogs in the same theme.
        schemes = {ThemeChoice.DARK: Qt.ColorScheme.Dark, ThemeChoice.LIGHT: Qt.ColorScheme.Light}
        QGuiApplication.styleHints().setColorScheme(schemes.get(self._choice, Qt.ColorScheme.Unknown))

    def _apply(self) -> None:
        tokens = self._choose()
        if tokens is self._tokens:
            return
        self._tokens = tokens
        self._application.setFont(self.font())
        self._application.setPalette(palette_of(tokens))
        self._application.setStyleSheet(stylesheet(tokens, self._base_px))
        self.changed.emit()

    def _choose(self) -> Tokens:
        if self._choice is ThemeChoice.SYSTEM:
            return LIGHT if self._system_scheme() is Qt.ColorScheme.Light else DARK
        return LIGHT if self._choice is ThemeChoice.LIGHT else DARK


def palette_of(tokens: Tokens) -> QPalette:
    """The palette of ``tokens``, for everything that the style draws."""
    role = QPalette.ColorRole
    colors = {
        role.Window: tokens.bg,
        role.WindowText: tokens.text,
        role.Base: tokens.surface,
        role.AlternateBase: tokens.raised,
        role.Text: tokens.text,
        role.PlaceholderText: tokens.dim,
        role.Button: tokens.raised,
        role.ButtonText: tokens.text,
        role.BrightText: tokens.danger,
        role.ToolTipBase: tokens.raised,
        role.ToolTipText: tokens.text,
        role.Link: tokens.accent,
        role.LinkVisited: tokens.accent,
        role.Highlight: tokens.accent,
        role.HighlightedText: tokens.on_accent,
        role.Accent: tokens.accent,
        role.Mid: tokens.line,
        role.Dark: tokens.line,
    }
    palette = QPalette()
    for key, color in colors.items():
        palette.setColor(key, QColor(color))
    for key in (role.Text, role.WindowText, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, key, QColor(tokens.dim))
    return palette
