"""The proxy in the settings: the system's, none, or one by its address."""

from PySide6.QtCore import Slot
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QLineEdit

from atlas_desktop.errors import N_, BadProxyError
from atlas_desktop.proxies import ProxyMode, parse_proxy
from atlas_desktop.storage.settings import Settings
from atlas_desktop.ui.look.layouts import make_column
from atlas_desktop.ui.look.plain_widgets import make_label, set_tone
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.settings_fields import ChoiceField, SettingField
from atlas_desktop.ui.settings_table import Choice

_MODES = Choice(
    "proxy_mode",
    {
        ProxyMode.AUTOMATIC: N_("As the system"),
        ProxyMode.NONE: N_("No proxy"),
        ProxyMode.ADDRESS: N_("This one"),
    },
    button_name=N_("Proxy: {choice}"),
)
_LONGEST_CHARACTERS = 300


class ProxyFields(SettingField):
    """Where the proxy comes from, and its address. No password is taken: settings are stored in a file."""

    def __init__(self, theme: Theme, settings: Settings) -> None:
        super().__init__()
        self._modes = ChoiceField(theme, _MODES, settings)
        self._address = QLineEdit(settings.proxy_address, self)
        self._address.setAccessibleName(self.tr("Proxy address"))
        self._address.setPlaceholderText("http://proxy.example:3128")
        self._address.setMaxLength(_LONGEST_CHARACTERS)
        self._held = settings.proxy_address
        self._note = make_label(tone="dim", size="small", wraps=True)
        column = make_column(self, spacing_px=8)
        column.addWidget(self._modes)
        column.addWidget(self._address)
        column.addWidget(self._note)
        self._show_mode(settings.proxy_mode)
        self._modes.change_requested.connect(self._choose)
        self._address.textEdited.connect(self._check)
        self._address.editingFinished.connect(self._commit)

    @property
    def note(self) -> str:
        """The text below the field."""
        return self._note.text()

    def hideEvent(self, event: QHideEvent) -> None:
        """Commit what was typed last: pressing *Done* need not move the focus."""
        super().hideEvent(event)
        self._commit()

    @Slot(object)
    def _choose(self, values: dict[str, ProxyMode]) -> None:
        self.change_requested.emit(values)
        mode = values["proxy_mode"]
        self._show_mode(mode)
        if mode is ProxyMode.ADDRESS:
            self._address.setFocus()

    @Slot(str)
    def _check(self, text: str) -> None:
        problem = self._problem_of(text)
        self._show_note(problem or self._explanation(ProxyMode.ADDRESS), "danger" if problem else "dim")

    @Slot()
    def _commit(self) -> None:
        # Not on each key: half a password looks like a port.
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
        self._show_note(self._explanation(mode), "dim")

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

    def _show_note(self, words: str, tone: str) -> None:
        self._note.setText(words)
        set_tone(self._note, tone)
