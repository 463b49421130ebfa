"""The window as a screen reader meets it: AT-SPI over D-Bus, by role and accessible name."""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from unicodedata import decimal

from jeepney import DBusAddress, HeaderFields, Message, MessageType, Properties, new_method_call
from jeepney.io.blocking import DBusConnection, open_dbus_connection

_ACCESSIBLE, _TEXT = "org.a11y.atspi.Accessible", "org.a11y.atspi.Text"
_NAMES = ("Name", "Description")
_STATE_CHECKED, _STATE_ENABLED, _STATE_FOCUSED, _STATE_SHOWING = 4, 8, 12, 25
_COORDINATES_SCREEN = 0
_ANSWER_S = 10.0
_AT_ONCE = 100
_MARKS = dict.fromkeys(map(ord, "\u2067\u2068\u2069"))
MONEY = r"(?:\$\s?\d+[.,٫]\d\d|\d+[.,٫]\d\d\s?\$)"
"""An amount below a thousand dollars in a name, as any locale writes it."""


def plain_digits(text: str) -> str:
    """What a person reads in it, whatever digits their locale has: ``٠٠:٤٢`` is 00:42.

    The marks go that keep numbers in place between words of another direction.
    """
    return "".join(sign if (value := decimal(sign, None)) is None else str(value) for sign in text).translate(
        _MARKS
    )


class NotFoundError(AssertionError):
    """No control of that role and name came up in time; the message lists what there was."""


@dataclass(frozen=True)
class Control:
    """One accessible object of the program under test."""

    bus: "Accessibility" = field(repr=False, compare=False)
    owner: str
    path: str

    def _call(self, interface: str, member: str, signature: str = "", *body: Any) -> Any:
        return self.bus.call(self.owner, self.path, interface, member, signature, *body)

    def _get(self, interface: str, name: str) -> Any:
        return self.bus.get(self.owner, self.path, interface, name)

    @property
    def name(self) -> str:
        """With ASCII digits, in any locale."""
        return plain_digits(self.written_name)

    @property
    def written_name(self) -> str:
        """As it is, in the locale's own digits."""
        return str(self._get(_ACCESSIBLE, "Name"))

    @property
    def role(self) -> str:
        return str(self._call(_ACCESSIBLE, "GetRoleName"))

    @property
    def text(self) -> str:
        return str(self._call(_TEXT, "GetText", "ii", 0, -1))

    @property
    def children(self) -> list["Control"]:
        found = self._call(_ACCESSIBLE, "GetChildren")
        return [Control(self.bus, owner, path) for owner, path in found]

    def _has_state(self, bit: int) -> bool:
        return _is_set(self._call(_ACCESSIBLE, "GetState"), bit)

    @property
    def checked(self) -> bool:
        return self._has_state(_STATE_CHECKED)

    @property
    def enabled(self) -> bool:
        return self._has_state(_STATE_ENABLED)

    @property
    def showing(self) -> bool:
        return self._has_state(_STATE_SHOWING)

    @property
    def focused(self) -> bool:
        return self._has_state(_STATE_FOCUSED)

    @property
    def box(self) -> tuple[int, int, int, int]:
        """x, y, width, height on the screen, in pixels."""
        x, y, width, height = self._call("org.a11y.atspi.Component", "GetExtents", "u", _COORDINATES_SCREEN)
        return x, y, width, height

    @property
    def centre(self) -> tuple[int, int]:
        x, y, width, height = self.box
        return x + width // 2, y + height // 2

    def press(self) -> None:
        """Does the control's first action: Press of a button, Toggle of a check box."""
        self._call("org.a11y.atspi.Action", "DoAction", "i", 0)

    def focus(self) -> None:
        self._call("org.a11y.atspi.Component", "GrabFocus")

    def write(self, text: str) -> None:
        """Replaces the text of an editable control."""
        self._call("org.a11y.atspi.EditableText", "SetTextContents", "s", text)

    def set_value(self, value: float) -> None:
        self.bus.set(self.owner, self.path, "org.a11y.atspi.Value", "CurrentValue", "d", value)


def _is_set(words: Sequence[int], bit: int) -> bool:
    return bool((words[0] | words[1] << 32) >> bit & 1)


class GoneError(Exception):
    """The object vanished between being listed and being asked."""


class Accessibility:
    """A connection to the accessibility bus of one desk."""

    def __init__(self, address: str) -> None:
        self._connection: DBusConnection = open_dbus_connection(address)

    @classmethod
    def address_for(cls, env: Mapping[str, str]) -> str:
        """The accessibility bus that programs of ``env`` are on: named there, or known to its session bus."""
        if "AT_SPI_BUS_ADDRESS" in env:
            return env["AT_SPI_BUS_ADDRESS"]
        session = open_dbus_connection(env["DBUS_SESSION_BUS_ADDRESS"])
        try:
            asked = new_method_call(
                DBusAddress("/org/a11y/bus", "org.a11y.Bus", "org.a11y.Bus"), "GetAddress"
            )
            (address,) = cls._ask(session, asked)
        finally:
            session.close()
        return str(address)

    def close(self) -> None:
        self._connection.close()

    @staticmethod
    def _ask(connection: DBusConnection, message: Message) -> Any:
        reply = connection.send_and_get_reply(message, timeout=_ANSWER_S)
        if reply.header.message_type is MessageType.error:
            raise GoneError(f"{reply.header.fields.get(HeaderFields.error_name)}: {reply.body}")
        return reply.body

    def call(self, owner: str, path: str, interface: str, member: str, signature: str, *body: Any) -> Any:
        answer = self._ask(self._connection, _method_call(owner, path, interface, member, signature, *body))
        return answer[0] if len(answer) == 1 else answer

    def get(self, owner: str, path: str, interface: str, name: str) -> Any:
        return self._ask(self._connection, _property(owner, path, interface, name))[0][1]

    def set(self, owner: str, path: str, interface: str, name: str, signature: str, value: Any) -> None:
        message = Properties(DBusAddress(path, owner, interface)).set(name, signature, value)
        self._ask(self._connection, message)

    def showing_in(self, program: Control) -> list[Control]:
        """Return the windows of ``program`` and all that is showing in them, depth first."""
        below = {program: self.children_of([program])[0]}
        level = below[program]
        while level:
            children = self.children_of(level)
            showing = set(self._showing(dict.fromkeys(child for among in children for child in among)))
            below |= {
                parent: [child for child in among if child in showing]
                for parent, among in zip(level, children, strict=True)
            }
            level = [child for parent in level for child in below[parent]]
        return list(_depth_first(program, below))[1:]

    def children_of(self, parents: Sequence[Control]) -> list[list[Control]]:
        """Return the children of each control; none for one that is gone."""
        calls = [_method_call(one.owner, one.path, _ACCESSIBLE, "GetChildren") for one in parents]
        return [
            [] if body is None else [Control(self, owner, path) for owner, path in body[0]]
            for body in self._call_all(calls)
        ]

    def names_of(self, controls: Sequence[Control]) -> list[str | None]:
        """Return the name of each control, with ASCII digits; ``None`` for one that is gone."""
        calls = [_property(one.owner, one.path, _ACCESSIBLE, "Name") for one in controls]
        return [None if body is None else plain_digits(str(body[0][1])) for body in self._call_all(calls)]

    def texts_of(self, controls: Sequence[Control]) -> list[str]:
        """Return every name and description, as written, and the text of those that have one."""
        calls = [_property(one.owner, one.path, _ACCESSIBLE, name) for one in controls for name in _NAMES]
        texts = [_method_call(one.owner, one.path, _TEXT, "GetText", "ii", 0, -1) for one in controls]
        found = [str(body[0][1]) for body in self._call_all(calls) if body is not None]
        return found + [str(body[0]) for body in self._call_all(texts) if body is not None]

    def _showing(self, controls: Iterable[Control]) -> list[Control]:
        asked = list(controls)
        calls = [_method_call(one.owner, one.path, _ACCESSIBLE, "GetState") for one in asked]
        bodies = zip(asked, self._call_all(calls), strict=True)
        return [one for one, body in bodies if body is not None and _is_set(body[0], _STATE_SHOWING)]

    def _call_all(self, calls: Sequence[Message]) -> list[Any]:
        """Return the body of each reply, in order; ``None`` for an object that is gone.

        All calls are sent before the first reply is read: one by one, each waits for the window's event loop.
        """
        bodies: list[Any] = []
        for begin in range(0, len(calls), _AT_ONCE):
            bodies += self._send_all(calls[begin : begin + _AT_ONCE])
        return bodies

    def _send_all(self, calls: Sequence[Message]) -> list[Any]:
        serials = [next(self._connection.outgoing_serial) for _ in calls]
        for call, serial in zip(calls, serials, strict=True):
            self._connection.send(call, serial=serial)
        bodies: dict[int, Any] = {}
        while len(bodies) < len(calls):
            reply = self._connection.receive(timeout=_ANSWER_S)
            serial = reply.header.fields.get(HeaderFields.reply_serial, 0)
            if serial in serials:
                bodies[serial] = None if reply.header.message_type is MessageType.error else reply.body
        return [bodies[serial] for serial in serials]

    def programs(self) -> list[Control]:
        root = Control(self, "org.a11y.atspi.Registry", "/org/a11y/atspi/accessible/root")
        return root.children

    def program(self, pid: int) -> Control | None:
        """The accessible root of the process ``pid``, or None while it has none."""
        for program in self.programs():
            try:
                found = self.call(
                    "org.freedesktop.DBus",
                    "/org/freedesktop/DBus",
                    "org.freedesktop.DBus",
                    "GetConnectionUnixProcessID",
                    "s",
                    program.owner,
                )
            except GoneError:
                continue
            if found == pid:
                return program
        return None


def _method_call(
    owner: str, path: str, interface: str, member: str, signature: str = "", *body: Any
) -> Message:
    return new_method_call(DBusAddress(path, owner, interface), member, signature or None, body)


def _property(owner: str, path: str, interface: str, name: str) -> Message:
    return Properties(DBusAddress(path, owner, interface)).get(name)


def _depth_first(control: Control, below: Mapping[Control, Sequence[Control]]) -> Iterator[Control]:
    yield control
    for child in below.get(control, ()):
        yield from _depth_first(child, below)


class Screen:
    """What a person who cannot see the window can find in it."""

    def __init__(self, bus: Accessibility, pid: int) -> None:
        self._bus = bus
        self._pid = pid

    def controls(self) -> list[Control]:
        program = self._bus.program(self._pid)
        return [] if program is None else self._bus.showing_in(program)

    def texts(self) -> list[str]:
        """All that can be read of it: names, descriptions and texts."""
        return self._bus.texts_of(self.controls())

    def find(self, role: str, name: str) -> Control | None:
        """The showing control of ``role`` whose whole name matches the pattern ``name``."""
        pattern, controls = re.compile(name), self.controls()
        for control, known in zip(controls, self._bus.names_of(controls), strict=True):
            try:
                if known is not None and pattern.fullmatch(known) and control.role == role:
                    return control
            except GoneError:
                continue
        return None

    def names_in(self, name: str, tries: int = 20) -> list[str]:
        """The names of what is in a list, none where the list does not show; all of one moment.

        Raises:
            GoneError: The list changed under every one of the tries.
        """
        while listing := self.find("list", name):
            try:
                return [item.name for item in listing.children]
            except GoneError:
                tries -= 1
                if not tries:
                    raise
        return []

    def wait(self, role: str, name: str, timeout_s: float = 20.0) -> Control:
        """Waits until the control is there.

        Raises:
            NotFoundError: It did not come in time.
        """
        found: Control | None = poll(lambda: self.find(role, name), timeout_s)
        if found is None:
            raise NotFoundError(f"no {role} named {name!r} in {timeout_s} s; there is:\n{self.listing()}")
        return found

    def wait_gone(self, role: str, name: str, timeout_s: float = 20.0) -> None:
        if not poll(lambda: self.find(role, name) is None, timeout_s):
            raise NotFoundError(f"{role} named {name!r} is still there after {timeout_s} s")

    def press(self, name: str, timeout_s: float = 20.0) -> None:
        """Waits for the enabled push button ``name`` and presses it."""
        button = self.wait("push button", re.escape(name), timeout_s)
        if not poll(lambda: button.enabled, timeout_s):
            raise NotFoundError(f"push button {name!r} stays disabled")
        button.press()

    def press_radio(self, name: str, timeout_s: float = 20.0) -> None:
        self.wait("radio button", re.escape(name), timeout_s).press()

    def listing(self) -> str:
        rows = []
        for control in self.controls():
            try:
                if control.name:
                    rows.append(f"  {control.role}: {control.name[:100]!r}")
            except GoneError:
                continue
        return "\n".join(rows)


def amount_in(name: str) -> float:
    """The amount of money that a name ends with, as any locale writes it."""
    found = re.search(rf"{MONEY}$", name)
    assert found, name
    return float(re.sub(r"[$\s]", "", re.sub("[,٫]", ".", found[0])))


def poll(ask: Callable[[], Any], timeout_s: float, every_s: float = 0.05) -> Any:
    """Asks until the answer is truthy or the time is out; returns the last answer."""
    deadline = time.monotonic() + timeout_s
    while not (answer := ask()) and time.monotonic() < deadline:
        time.sleep(every_s)
    return answer
