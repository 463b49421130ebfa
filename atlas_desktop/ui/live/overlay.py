"""The overlay on the picture: the session's state in pills, and toggles."""

from PySide6.QtCore import QObject, QRect, Qt, Signal
from PySide6.QtWidgets import QStyle, QWidget

from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.session.state import Ending, Live, Parked, Reconnecting, Requesting
from atlas_desktop.ui.look.amounts import clock, fill, hourly, money
from atlas_desktop.ui.look.controls import Button, ButtonKind
from atlas_desktop.ui.look.pill import Pill, PillButton
from atlas_desktop.ui.look.theme import Theme

_EDGE_PX = 16
_NARROW_EDGE_PX = 10
_GAP_PX = 8
_NOTE_EDGE_PX = 24
_NARROW_PX = 560
_SLOW_RTT_MS = 300


class Overlay(QObject):
    """Places its parts over ``stage``; each is a widget of its own, so nothing covers the picture between.

    Signals:
        transcript_requested(bool), full_screen_requested(bool): A toggle was pressed.
        statistics_requested(): The latency was pressed.
    """

    statistics_requested = Signal()
    transcript_requested = Signal(bool)
    full_screen_requested = Signal(bool)

    def __init__(self, theme: Theme, stage: QWidget) -> None:
        super().__init__(stage)
        self._stage = stage
        self._snapshot = SessionSnapshot()
        self._narrow = False
        self._row = QWidget(stage)
        # A press between the pills goes to the picture.
        self._row.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._state = Pill(theme, parent=self._row)
        self._elapsed = Pill(theme, parent=self._row)
        self._cost = Pill(theme, parent=self._row)
        self._latency = Pill(theme, parent=self._row)
        self._note = Pill(theme, parent=stage)
        self._statistics = PillButton(theme, self.tr("Statistics"), stage)
        self._statistics.clicked.connect(self.statistics_requested)
        self.transcript = self._make_toggle(theme, self.tr("Transcript"), "transcript")
        self.full_screen = self._make_toggle(theme, self.tr("Full screen"), "fullscreen")
        self.transcript.toggle_requested.connect(self.transcript_requested)
        self.full_screen.toggle_requested.connect(self.full_screen_requested)
        self.show_snapshot(self._snapshot)

    @property
    def widgets(self) -> tuple[QWidget, ...]:
        """The widgets that hide in full screen; notes about trouble are not among them."""
        return (self._row, self._statistics, self.transcript, self.full_screen)

    @property
    def below_pills_px(self) -> int:
        """The y position below the pills."""
        pills = (self._state, self._elapsed, self._cost, self._latency)
        return self._row.y() + max(pill.geometry().bottom() + 1 for pill in pills if not pill.isHidden())

    def show_snapshot(self, snapshot: SessionSnapshot) -> None:
        """Show state, time, cost, delay, and trouble with the picture."""
        self._snapshot = snapshot
        self._show_state()
        self._show_cost()
        elapsed = clock(snapshot.elapsed_s)
        self._elapsed.set_parts(plain=elapsed)
        _name(self._elapsed, self.tr("Elapsed: {time}").format(time=elapsed))
        self._elapsed.setVisible(snapshot.grant is not None)
        self._show_latency()
        self._show_note()
        self.place()

    def show_full_screen(self, full: bool) -> None:
        """Set the *Full screen* toggle."""
        self.full_screen.show_checked(full)
        self.full_screen.set_icon_name("fullscreen-exit" if full else "fullscreen")

    def place(self) -> None:
        """Lay out the parts for the stage's present size."""
        area = self._stage.rect()
        narrow = area.width() < _NARROW_PX
        if narrow != self._narrow:
            self._narrow = narrow
            self._show_cost()
        edge = _NARROW_EDGE_PX if narrow else _EDGE_PX
        right = area.width() - edge
        for button in (self.full_screen, self.transcript):
            size = button.sizeHint()
            right -= size.width()
            self._put(button, QRect(right, edge - 2, size.width(), size.height()))
            right -= _GAP_PX
        self._put(self._row, QRect(edge, edge, right - edge, area.height() // 2))
        self._place_pills()
        self._place_note()

    def _place_pills(self) -> None:
        room = self._row.rect()
        left = top = 0
        for pill in (self._state, self._elapsed, self._cost, self._latency):
            if pill.isHidden():
                continue
            size = pill.sizeHint()
            if left and left + size.width() > room.width():
                left, top = 0, top + size.height() + _GAP_PX
            spot = QRect(left, top, size.width(), size.height())
            pill.setGeometry(QStyle.visualRect(self._stage.layoutDirection(), room, spot))
            left += size.width() + _GAP_PX
        self._statistics.setGeometry(self._latency.geometry().translated(self._row.pos()))

    def _place_note(self) -> None:
        area, size = self._stage.rect(), self._note.sizeHint()
        left, top = (area.width() - size.width()) // 2, area.height() - size.height() - _NOTE_EDGE_PX
        self._put(self._note, QRect(left, top, size.width(), size.height()))

    def _show_state(self) -> None:
        snapshot = self._snapshot
        dot = "danger" if snapshot.frozen else _dot_of(snapshot)
        agent = self._agent_text() if snapshot.is_live else ""
        self._state.set_parts(strong=self._state_text(), faint=agent, dot=dot)
        _name(self._state, self.tr("Session state: {state}").format(state=self._state_text()))

    def _state_text(self) -> str:
        words = {
            "Connecting": self.tr("Connecting"),
            "Waiting": self.tr("Waiting"),
            "Live": self.tr("Live"),
            "Reconnecting": self.tr("Reconnecting"),
            "Ending": self.tr("Ending"),
            "Parked": self.tr("Parked"),
        }
        return words.get(self._snapshot.state_name, self._snapshot.state_name)

    def _agent_text(self) -> str:
        words = {
            "listening": self.tr("listening"),
            "thinking": self.tr("thinking"),
            "speaking": self.tr("speaking"),
        }
        return words.get(self._snapshot.agent_state or "", "")

    def _show_cost(self) -> None:
        snapshot = self._snapshot
        # The card of a parked session shows its cost.
        is_parked = isinstance(snapshot.state, Parked)
        self._cost.setVisible(not snapshot.billed or (snapshot.cost_usd is not None and not is_parked))
        if not snapshot.billed:
            self._cost.set_parts(
                strong=self.tr("Rehearsal"),
                plain=self.tr("· free") if self._narrow else self.tr("· free · on this computer"),
                dot="accent",
            )
            _name(self._cost, self.tr("Cost: free, a rehearsal on this computer"))
            return
        if snapshot.cost_usd is None:
            return
        cost = money(snapshot.cost_usd)
        self._cost.set_parts(strong=cost, faint=self._cost_text(snapshot), alarm=snapshot.limit_near)
        _name(self._cost, self.tr("Cost: {cost}").format(cost=cost))
        self._cost.setAccessibleDescription(self._cost_text(snapshot, whole=True))

    def _cost_text(self, snapshot: SessionSnapshot, *, whole: bool = False) -> str:
        """Return the limit and the hourly price; on a narrow stage only the limit."""
        words = []
        if snapshot.allowed_usd is not None:
            words.append(self.tr("of {limit}").format(limit=money(snapshot.allowed_usd)))
        price = snapshot.price_per_hour_usd
        if price is not None and (whole or not self._narrow):
            words.append(self.tr("at {price} per hour").format(price=hourly(price)))
        return ", ".join(words) if whole else " · ".join(words)

    def _show_latency(self) -> None:
        rtt_ms = None if isinstance(self._snapshot.state, Parked) else self._snapshot.rtt_ms
        self._latency.setVisible(rtt_ms is not None)
        self._statistics.offer(rtt_ms is not None)
        if rtt_ms is None:
            return
        latency = fill(self.tr("{count} ms"), count=max(1, round(rtt_ms)))
        self._latency.set_parts(plain=latency, dot="warn" if rtt_ms >= _SLOW_RTT_MS else "")
        _name(self._latency, self.tr("Latency: {delay}").format(delay=latency))

    def _show_note(self) -> None:
        words = ""
        if isinstance(self._snapshot.state, Reconnecting):
            words = self.tr("The connection broke. It is being restored…")
        elif self._snapshot.is_live and self._snapshot.frozen and not self._snapshot.avatar_gone:
            words = self.tr("The picture has stopped. Waiting for the next one…")
        self._note.set_parts(plain=words, dot="warn")
        _name(self._note, words)
        self._note.setVisible(bool(words))

    def _make_toggle(self, theme: Theme, text: str, icon: str) -> Button:
        toggle = Button(theme, text, ButtonKind.OVERLAY, icon=icon, parent=self._stage)
        toggle.setCheckable(True)
        return toggle

    def _put(self, widget: QWidget, spot: QRect) -> None:
        widget.setGeometry(QStyle.visualRect(self._stage.layoutDirection(), self._stage.rect(), spot))


def _dot_of(snapshot: SessionSnapshot) -> str:
    match snapshot.state:
        case Live():
            return "live"
        case Requesting() | Ending() | Parked():
            return "dim"
        case _:
            return "warn"


def _name(pill: Pill, name: str) -> None:
    # Set only when it differs: each change is an event for the screen reader.
    if pill.accessibleName() != name:
        pill.setAccessibleName(name)
