"""The line that shows the API key's state, or the backend in place of a key."""

from PySide6.QtCore import QUrl, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QSizePolicy, QWidget

from atlas_desktop.ui.controllers.key_state import KeyKind, KeyState
from atlas_desktop.ui.look.controls import Button, ButtonKind
from atlas_desktop.ui.look.layouts import flow_box, make_column, make_line
from atlas_desktop.ui.look.plain_widgets import make_label, set_tip, set_tone
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.opener import open_address

KEYS_PAGE_URL = "https://dashboard.northmodellabs.com/dashboard/keys"
_MASK = "ak_" + "•" * 16
_EDITABLE = (KeyKind.NONE, KeyKind.REFUSED)


class KeyLine(QWidget):
    """Shows the key's state, never the stored key; takes a new key or a backend's address.

    Signals:
        key_entered(str): A key was typed or pasted and is to be used.
        forget_requested(): Drop the key.
        other_key_entered(str): A key that is not to be kept: it made a session that is still open.
        backend_requested(str, str): Use this backend URL with this token (may be empty); an empty URL
            means the key again.
    """

    key_entered = Signal(str)
    other_key_entered = Signal(str)
    forget_requested = Signal()
    backend_requested = Signal(str, str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = KeyState()
        self._wants_backend = False
        self._wants_other = False
        self._key = _field(self.tr("API key"), "ak_…", self)
        self._show_key = Button(theme, self.tr("Show key"), ButtonKind.ROUND, icon="eye")
        self._show_key.set_height(40)
        self._forget = Button(theme, self.tr("Forget key"))
        self._url = _field(self.tr("Backend URL"), "https://example.com/api/session", self)
        self._token = _field(self.tr("Backend token"), self.tr("Token, if it needs one"), self)
        self._token.setEchoMode(QLineEdit.EchoMode.Password)
        self._note = make_label(tone="dim", size="small", wraps=True)
        self._get_key = Button(theme, self.tr("Get a key"), ButtonKind.LINK)
        self._toggle = Button(theme, "", ButtonKind.LINK)
        self._key_row = self._build_key_row()
        self._backend_rows = self._build_backend_rows()
        self._build()
        self._connect()
        self.show_state(self._state)

    @property
    def note(self) -> str:
        """The text below the field."""
        return self._note.text()

    def show_state(self, state: KeyState) -> None:
        """Show ``state``, which may come late; typed input that was not used yet stays."""
        self._state = state
        self._wants_backend = state.kind is KeyKind.BACKEND or (self._wants_backend and not state.usable)
        if state.backend_url and not self._url.isModified():
            self._url.write(state.backend_url)
        self._show_key_field()
        self._refresh()

    def commit(self) -> bool:
        """Emit what was typed. False, with the field focused, when there is neither key nor backend."""
        if self._wants_other:
            self._commit_other()
        if self._wants_backend:
            return self._commit_backend()
        if self._is_key_typed:
            self._key.setModified(False)
            self.key_entered.emit(self._key.text())
            return True
        if self._state.kind not in _EDITABLE:
            return True
        self._key.setFocus()
        return False

    def ask_other(self, backend_url: str = "") -> None:
        """Ask for the key, or the backend, of a session that is still open."""
        if backend_url:
            self._wants_backend = True
            self._url.write(backend_url)
            self._refresh()
            (self._url if self._state.from_environment else self._token).setFocus()
            return
        self._wants_other, self._wants_backend = True, False
        self._show_key_field()
        self._refresh()
        self._key.setFocus()

    def _commit_other(self) -> None:
        entered = self._key.text().strip()
        self._wants_other = False
        self._key.write("")
        self.show_state(self._state)
        if entered:
            self.other_key_entered.emit(entered)

    def _commit_backend(self) -> bool:
        url, token = self._url.text().strip(), self._token.text().strip()
        if not url:
            self._url.setFocus()
            return False
        self._url.setModified(False)
        if url != self._state.backend_url or token:
            self.backend_requested.emit(url, token)
        return True

    def _build(self) -> None:
        links = flow_box(self._get_key, self._toggle, gap_px=14, parent=self)
        column = make_column(self)
        column.addWidget(self._key_row)
        column.addWidget(self._backend_rows)
        column.addSpacing(8)
        column.addWidget(self._note)
        column.addSpacing(2)
        column.addWidget(links)

    def _build_key_row(self) -> QWidget:
        row = QWidget(self)
        line = make_line(row, spacing_px=10)
        line.addWidget(_caption(self.tr("API key"), self._key))
        line.addWidget(self._key, 1)
        line.addWidget(self._show_key)
        line.addWidget(self._forget)
        return row

    def _build_backend_rows(self) -> QWidget:
        rows = QWidget(self)
        column = make_column(rows, spacing_px=8)
        for caption, field in ((self.tr("Backend"), self._url), (self.tr("Token"), self._token)):
            line = QHBoxLayout()
            line.setSpacing(10)
            line.addWidget(_caption(caption, field))
            line.addWidget(field, 1)
            column.addLayout(line)
        return rows

    def _connect(self) -> None:
        self._show_key.clicked.connect(self._toggle_echo)
        self._forget.clicked.connect(self.forget_requested)
        self._get_key.clicked.connect(self._open_keys_page)
        self._toggle.clicked.connect(self._toggle_backend)
        self._key.returnPressed.connect(self.commit)
        self._key.textChanged.connect(self._refresh)
        self._key.editingFinished.connect(self._show_key_field)
        self._url.returnPressed.connect(self.commit)

    @property
    def _is_key_typed(self) -> bool:
        """Whether a key stands in the field that was not handed on yet."""
        return self._key.isModified() and bool(self._key.text().strip())

    @property
    def _takes_key(self) -> bool:
        return self._state.kind in _EDITABLE or self._wants_other or self._is_key_typed

    @Slot()
    def _show_key_field(self) -> None:
        editable = self._takes_key
        if editable and self._key.text() == _MASK:
            self._key.write("")
        elif not editable and self._key.text() != _MASK:
            self._key.write(_MASK)
        if self._is_key_typed:
            # A field in use does not change, and a key that is shown is not hidden.
            return
        self._key.setReadOnly(not editable)
        self._key.setEchoMode(QLineEdit.EchoMode.Password if editable else QLineEdit.EchoMode.Normal)
        self._show_key.set_icon_name("eye")

    @Slot()
    def _refresh(self) -> None:
        kind, editable = self._state.kind, self._takes_key
        self._key_row.setVisible(not self._wants_backend)
        self._backend_rows.setVisible(self._wants_backend)
        self._get_key.setVisible(editable and not (self._wants_backend or self._wants_other))
        self._show_key.setVisible(editable and bool(self._key.text()))
        forgettable = (KeyKind.KEYRING, KeyKind.MEMORY, KeyKind.CHECKING)
        self._forget.setVisible(kind in forgettable and not self._wants_other)
        self._url.setReadOnly(self._state.from_environment)
        self._toggle.setVisible(not self._state.from_environment)
        back = self._wants_backend
        self._toggle.setText(self.tr("Use an API key instead") if back else self.tr("Use a backend instead"))
        self._toggle.setAccessibleName(self._toggle.text())
        self._note.setText(self._note_text())
        refused = kind is KeyKind.REFUSED and not (self._wants_backend or self._wants_other)
        set_tone(self._note, "danger" if refused else "dim")

    def _note_text(self) -> str:
        if self._wants_backend:
            return self._backend_note()
        if self._is_key_typed and self._state.usable and not self._wants_other:
            return self.tr("The key that you type is used in place of the one that was found.")
        if self._wants_other:
            return self.tr("The key that made the open session: it ends it, and is not kept. Press Enter.")
        reason = self._state.reason
        match self._state.kind:
            case KeyKind.KEYRING:
                return self.tr("Kept in this computer's keyring.")
            case KeyKind.ENVIRONMENT:
                return self.tr("From ATLAS_API_KEY: used for this run, not stored.")
            case KeyKind.MEMORY:
                return self.tr("Kept for this run only, in memory.") + (f" {reason}" if reason else "")
            case KeyKind.CHECKING:
                return self.tr("Will be kept in this computer's keyring once Atlas accepts it.")
            case KeyKind.REFUSED:
                return reason or self.tr("Atlas did not accept this key. Check it, or get a new one.")
            case _ if reason:
                return reason + ". " + self.tr("A key is then kept for this run only, in memory.")
            case _:
                return self.tr("For real sessions. It is kept in this computer's keyring, nowhere else.")

    def _backend_note(self) -> str:
        if self._state.from_environment:
            return self.tr("From ATLAS_BACKEND_URL: used for this run, not stored.")
        return self.tr("A backend is a server of your own that keeps the key and asks Atlas for sessions.")

    @Slot()
    def _toggle_echo(self) -> None:
        hidden = self._key.echoMode() is QLineEdit.EchoMode.Password
        self._key.setEchoMode(QLineEdit.EchoMode.Normal if hidden else QLineEdit.EchoMode.Password)
        self._show_key.set_icon_name("eye-off" if hidden else "eye")
        set_tip(self._show_key, self.tr("Hide key") if hidden else self.tr("Show key"))

    @Slot()
    def _open_keys_page(self) -> None:
        open_address(QUrl(KEYS_PAGE_URL))

    @Slot()
    def _toggle_backend(self) -> None:
        self._wants_backend = not self._wants_backend
        if not self._wants_backend and self._state.kind is KeyKind.BACKEND:
            self._url.write("")
            self.backend_requested.emit("", "")
        self._refresh()
        (self._url if self._wants_backend else self._key).setFocus()


class _Field(QLineEdit):
    """A field that is modified by any input, but not by ``write``."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._is_written = False
        self.textChanged.connect(self._mark)

    def write(self, text: str) -> None:
        """Show ``text`` as the stored value."""
        self._is_written = True
        self.setText(text)
        self._is_written = False
        self.setModified(False)

    @Slot()
    def _mark(self) -> None:
        self.setModified(not self._is_written)


def _field(name: str, placeholder: str, parent: QWidget) -> _Field:
    field = _Field(parent)
    field.setAccessibleName(name)
    field.setPlaceholderText(placeholder)
    # Else a file dropped on the field becomes its text instead of being spoken.
    field.setAcceptDrops(False)
    field.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    field.setMinimumWidth(80)
    return field


def _caption(text: str, buddy: QWidget) -> QLabel:
    caption = make_label(text, tone="dim")
    caption.setMinimumWidth(64)
    caption.setBuddy(buddy)
    return caption
