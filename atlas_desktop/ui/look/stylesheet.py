"""The style sheet: what Qt draws itself (fields, lists, menus, bars). Our own controls paint themselves."""

from atlas_desktop.ui.look.tokens import RADIUS_CONTROL_PX, Tokens

# Matches properties that widgets set, for example ``label.setProperty("tone", "dim")``.
_SHEET = """
QToolTip {{ background: {raised}; color: {text}; border: 1px solid {line}; padding: 5px 8px; }}
QLabel {{ background: transparent; }}
QLabel[tone="dim"] {{ color: {dim}; }}
QLabel[tone="danger"] {{ color: {danger}; }}
QLabel[tone="warn"] {{ color: {warn}; }}
QLabel[scale="small"] {{ font-size: {small_px}px; }}
QLabel[scale="title"] {{ font-size: {title_px}px; font-weight: 650; }}
QLabel[scale="heading"] {{ font-size: {heading_px}px; font-weight: 600; }}
QLabel[weight="strong"] {{ font-weight: 600; }}
QLineEdit, QPlainTextEdit {{
    background: {surface}; color: {text}; border: 1px solid {line}; border-radius: {radius}px;
    padding: 0px 11px; selection-background-color: {accent}; selection-color: {on_accent};
    placeholder-text-color: {dim};
}}
QLineEdit {{ min-height: 38px; }}
QLineEdit:hover, QPlainTextEdit:hover {{ border-color: {dim}; }}
QLineEdit:focus, QPlainTextEdit:focus {{ border: 2px solid {accent}; padding: 0px 10px; }}
QLineEdit:focus {{ min-height: 36px; }}
QLineEdit:read-only, QLineEdit:disabled {{ color: {dim}; }}
QComboBox {{
    background: {surface}; color: {text}; border: 1px solid {line}; border-radius: {radius}px;
    padding: 0px 11px; min-height: 34px;
}}
QComboBox:hover {{ border-color: {dim}; }}
QComboBox:focus {{ border: 2px solid {accent}; padding: 0px 10px; min-height: 32px; }}
QComboBox::drop-down {{ border: 0; width: 28px; }}
QComboBox QAbstractItemView {{
    background: {surface}; color: {text}; border: 1px solid {line}; outline: 0; padding: 4px;
    selection-background-color: {raised}; selection-color: {text};
}}
QComboBox QAbstractItemView::item {{ min-height: 30px; padding: 0px 7px; }}
QFrame#rule {{ background: {line}; border: 0; }}
QScrollArea, QScrollArea > QWidget > QWidget#page {{ background: transparent; border: 0; }}
QScrollBar:vertical {{ background: transparent; width: 10px; margin: 2px; }}
QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 2px; }}
QScrollBar::handle {{ background: {line}; border-radius: 3px; min-height: 32px; min-width: 32px; }}
QScrollBar::handle:hover {{ background: {dim}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
QSlider::groove:horizontal {{ background: {line}; height: 4px; border-radius: 2px; }}
QSlider::sub-page:horizontal {{ background: {accent}; border-radius: 2px; }}
QSlider::handle:horizontal {{
    background: {surface}; border: 2px solid {accent}; width: 14px; height: 14px; margin: -7px 0;
    border-radius: 9px;
}}
QSlider::handle:horizontal:hover, QSlider::handle:horizontal:focus {{ background: {accent}; }}
QMenu {{ background: {surface}; color: {text}; border: 1px solid {line}; padding: 6px; }}
QMenu::item {{ padding: 7px 24px 7px 12px; border-radius: 6px; }}
QMenu::item:selected {{ background: {raised}; color: {text}; }}
QMenu::item:disabled {{ color: {dim}; }}
QMenu::separator {{ height: 1px; background: {line}; margin: 6px 4px; }}
"""


def stylesheet(tokens: Tokens, base_px: int) -> str:
    """Return the sheet with the colours of ``tokens`` and sizes relative to ``base_px``."""
    return _SHEET.format(
        **{name: getattr(tokens, name) for name in Tokens.__dataclass_fields__},
        radius=RADIUS_CONTROL_PX,
        small_px=round(base_px * 13 / 14),
        heading_px=round(base_px * 18 / 14),
        title_px=round(base_px * 22 / 14),
    )
