"""Everything that a widget and its children show or say, and what of it would act instead of being read."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from PySide6.QtCore import QAbstractItemModel, QAbstractListModel, QModelIndex
from PySide6.QtCore import Qt as Core
from PySide6.QtGui import QAction, Qt, QTextDocument
from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QComboBox, QLabel, QLineEdit, QWidget

READ = 'Q&A <img src="x.png"><b>x &lt; y'
HOSTILE = READ + "\u202e\x1b[31m\nline \u05d0.wav"
"""A legal file name: markup, a mnemonic, an override, a terminal's sequence, a newline, a Hebrew letter."""

_ROLES = (
    Core.ItemDataRole.DisplayRole,
    Core.ItemDataRole.ToolTipRole,
    Core.ItemDataRole.StatusTipRole,
    Core.ItemDataRole.WhatsThisRole,
    Core.ItemDataRole.AccessibleTextRole,
    Core.ItemDataRole.AccessibleDescriptionRole,
)


@dataclass(frozen=True, slots=True)
class Said:
    """One text: where it stands, and whether Qt would look for markup in it, for a mnemonic, or both."""

    where: str
    text: str
    may_be_rich: bool = False
    has_mnemonics: bool = False


def everything_said(root: QWidget) -> Iterator[Said]:
    """All texts of ``root`` and of what is in it, hidden or not."""
    for widget in (root, *root.findChildren(QWidget)):
        kind = type(widget).__name__
        yield Said(f"{kind} name", widget.accessibleName())
        yield Said(f"{kind} description", widget.accessibleDescription())
        yield Said(f"{kind} tool tip", widget.toolTip(), may_be_rich=True)
        yield Said(f"{kind} status tip", widget.statusTip())
        yield Said(f"{kind} what's this", widget.whatsThis(), may_be_rich=True)
        yield Said(f"{kind} title", widget.windowTitle())
        yield from _own_words(widget, kind)
        for action in widget.actions():
            yield from _of_action(action)


def actors(root: QWidget) -> list[str]:
    """What in ``root`` would act: markup, mnemonics, control signs, overrides; empty when all is well."""
    return [f"{said.where}: {said.text!r}" for said in everything_said(root) if _acts(said)]


def words(root: QWidget) -> str:
    """All texts, as they are read."""
    return "\n".join(_read(said) for said in everything_said(root))


def _own_words(widget: QWidget, kind: str) -> Iterator[Said]:
    if isinstance(widget, QLabel):
        plain = widget.textFormat() is Core.TextFormat.PlainText
        yield Said(f"{kind} text", widget.text(), not plain, widget.buddy() is not None)
    elif isinstance(widget, QAbstractButton):
        yield Said(f"{kind} text", widget.text(), has_mnemonics=True)
    elif isinstance(widget, QLineEdit):
        yield Said(f"{kind} placeholder", widget.placeholderText())
    elif isinstance(widget, QComboBox | QAbstractItemView) and widget.model() is not None:
        yield from _of_model(widget.model(), f"{kind} item")


def _of_model(model: QAbstractItemModel, where: str) -> Iterator[Said]:
    # A list has one, and its method is private.
    columns = 1 if isinstance(model, QAbstractListModel) else model.columnCount(QModelIndex())
    for row in range(model.rowCount(QModelIndex())):
        for column in range(columns):
            for role in _ROLES:
                value = model.data(model.index(row, column), role)
                if isinstance(value, str):
                    rich = role in (Core.ItemDataRole.ToolTipRole, Core.ItemDataRole.WhatsThisRole)
                    yield Said(f"{where} {role.name}", value, may_be_rich=rich)


def _of_action(action: QAction) -> Iterator[Said]:
    yield Said("action", action.text(), has_mnemonics=True)
    yield Said("action's tool tip", action.toolTip(), may_be_rich=True)


def _acts(said: Said) -> bool:
    rich = said.may_be_rich and Qt.mightBeRichText(said.text)
    is_markup = rich and Qt.convertFromPlainText(_read(said)) != said.text
    mnemonic = said.has_mnemonics and "&" in said.text.replace("&&", "")
    return is_markup or mnemonic or any(_acts_by_itself(sign) for sign in _read(said))


def _acts_by_itself(sign: str) -> bool:
    return sign != "\n" and (unicodedata.category(sign) in ("Cc", "Cs") or "\u202a" <= sign <= "\u202e")


def _read(said: Said) -> str:
    if said.may_be_rich and Qt.mightBeRichText(said.text):
        document = QTextDocument()
        document.setHtml(said.text)
        return document.toPlainText()
    return said.text.replace("&&", "&") if said.has_mnemonics else said.text
