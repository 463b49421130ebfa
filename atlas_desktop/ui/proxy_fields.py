"""The proxy in the settings: the system's, none, or one by its address."""

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QButtonGroup, QLineEdit, QVBoxLayout, QWidget

from atlas_desktop.errors import BadProxyError
from atlas_desktop.proxies import ProxyMode, parse_proxy
from atlas_desktop.storage.settings import Settings
from atlas_desktop.ui.look.controls import Button
from atlas_desktop.ui.look.flow import FlowLayout
from atlas_desktop.ui.look.plain_widgets import make_label, set_tone
from atlas_desktop.ui.look.theme import Theme

_MODES = tuple(ProxyMode)
_LONGEST_CHARACTERS = 300


class ProxyFields(QWidget):
    """Where the proxy comes from, and its address. A password is not taken: settings lie in a file.

    Signals:
        change_requested(object): Fields of ``Settings`` as a dict.
    """

    change_requested = Signal(object)

    def __init__(self, theme: Theme, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._modes = QButtonGroup(self)
        self._address = QLineEdit(settings.proxy_address, self)
        self._address.setAccessibleName(self.tr("Proxy address"))
        self._address.setPlaceholderText("http://proxy.example:3128")
        self._address.setMaxLength(_LONGEST_CHARACTERS)
        self._held = settings.proxy_address
        self._note = make_label(tone="dim", size="small", wraps=True)
        self._build(theme, settings.proxy_mode)
        self._show_mode(settings.proxy_mode)
        self._modes.idToggled.connect(self._choose)
        self._address.textEdited.connect(self._check)
        self._address.editingFinished.connect(self._commit)

    @property
    def note(self) -> str:
        """What is said below the field."""
        return self._note.text()

    def _build(self, theme: Theme, current: ProxyMode) -> None:
        names = {
            ProxyMode.AUTOMATIC: self.tr("As the system"),
            ProxyMode.NONE: self.tr("No proxy"),
            ProxyMode.ADDRESS: self.tr("This one"),
        }
        choices = QWidget()
        flow = FlowLayout(choices, gap_px=6)
        for number, mode in enumerate(_MODES):
            button = Button(theme, names[mode], name=self.tr("Proxy: {choice}").format(choice=names[mode]))
            button.setCheckable(True)
            button.setAutoExclusive(True)
            button.set_height(36)
            button.setChecked(mode is current)
            self._modes.addButton(button, number)
            flow.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(choices)
        column.addWidget(self._address)
        column.addWidget(self._note)

    @Slot(int, bool)
    def _choose(self, number: int, chosen: bool) -> None:
        if chosen:
            self.change_requested.emit({"proxy_mode": _MODES[number]})
            self._show_mode(_MODES[number])
            if _MODES[number] is ProxyMode.ADDRESS:
                self._address.setFocus()

    def hideEvent(self, event: QHideEvent) -> None:
        """Takes what was typed last: a press on *Done* need not take the focus."""
        super().hideEvent(event)
        self._commit()

    @Slot(str)
    def _check(self, text: str) -> None:
        problem = self._problem_of(text)
        self._say(problem or self._explanation(ProxyMode.ADDRESS), "danger" if problem else "dim")

    @Slot()
    def _commit(self) -> None:
        # Not with each sign: half a password looks like a port.
        text = self._address.text().strip()
        if text != self._held and not self._problem_of(text):
            self._held = text
            self.change_requested.emit({"proxy_address": text})

    def _problem_of(self, text: str) -> str:
        if not text.strip():
            return ""
        try:
            proxy = parse_proxy(text, "")
        except BadProxyError as error:
            return self.tr("Not used: {reason}.").format(reason=error.params["detail"])
        if proxy.username or "@" in text:
            return self.tr(
                "Not used: a name and password would lie in a file here. Set HTTPS_PROXY and HTTP_PROXY in "
                "the environment instead, and choose “As the system”."
            )
        return ""

    def _show_mode(self, mode: ProxyMode) -> None:
        self._address.setVisible(mode is ProxyMode.ADDRESS)
        self._say(self._explanation(mode), "dim")

    def _explanation(self, mode: ProxyMode) -> str:
        return {
            ProxyMode.AUTOMATIC: self.tr("HTTPS_PROXY and its kin in the environment, else the system's."),
            ProxyMode.NONE: self.tr(
                "Atlas and its rooms are reached directly, whatever the environment says."
            ),
            ProxyMode.ADDRESS: self.tr(
                "For Atlas and the room's signalling. Sound and picture never go through a proxy: "
                "the network must let WebRTC out."
            ),
        }[mode]

    def _say(self, words: str, tone: str) -> None:
        self._note.setText(words)
        set_tone(self._note, tone)
