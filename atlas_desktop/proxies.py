"""Selection of the proxy for an address: the setting's, the environment's, the system's, or none.

REST and rooms both use it, so that they follow one rule: that of curl and httpx with two additions.
Connections to this computer never go through a proxy, and ``NO_PROXY`` may hold networks
(``10.0.0.0/8``, ``fd00::/8``).

``urllib.request`` reads the environment and the system's settings (macOS, Windows), as httpx has it do.
Its match of ``NO_PROXY`` supports neither networks nor IPv6, httpx's is private and raises on networks:
ours is below.
"""

import fnmatch
import ipaddress
import os
import re
import sys
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from atlas_desktop.errors import N_, BadProxyError
from atlas_desktop.hardening import without_secrets
from atlas_desktop.redaction import known

SETTING_NAME: Final = "ATLAS_DESKTOP_PROXY"
"""Passes the setting to children that have no profile: ``none`` or an address without a password."""

_SECURE: Final = {"https": "https", "wss": "https", "http": "http", "ws": "http"}
_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_HTTP_PORTS: Final = {"http": 80, "https": 443}
_SOCKS: Final = {
    **dict.fromkeys(("socks", "socks5", "socks5h"), "socks5"),
    **dict.fromkeys(("socks4", "socks4a"), "socks4"),
}
"""By the spellings in use. GNOME and KDE export ``socks://``; names are always resolved behind the proxy."""
_SOCKS_PORT: Final = 1080
_BASIC: Final = "Basic "
_LONGEST_SOCKS_NAME: Final = 255
_NO_ADDRESS: Final = N_("it is no address")
_THE_SETTING: Final = N_("the setting “Proxy”")
_THE_SYSTEM: Final = N_("the system's proxy setting")
_ENTRY: Final = re.compile(r"(?:\w+://)?(?P<name>\[[^\]]*\]|[^:]*|.*:.*:.*?)(?::(?P<port>\d+))?")


class ProxyMode(StrEnum):
    """Where the proxy comes from."""

    AUTOMATIC = "automatic"
    """The environment, else the system's settings."""
    NONE = "none"
    ADDRESS = "address"
    """The one in the setting."""


@dataclass(frozen=True, slots=True)
class ProxySetting:
    """The user's choice. ``address`` counts with ``ProxyMode.ADDRESS`` and holds no password."""

    mode: ProxyMode = ProxyMode.AUTOMATIC
    address: str = ""


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy that supports CONNECT, or a SOCKS proxy.

    Attributes:
        scheme: The proxy's own protocol: ``http``, ``https``, ``socks5`` or ``socks4``.
        host: Its name or address, without brackets.
        port: Its port.
        username: Empty for none.
        password: May be empty beside a name.
        source: What configured it, for messages: a variable, or the setting.
    """

    scheme: str
    host: str
    port: int
    username: str = ""
    password: str = field(default="", repr=False)
    source: str = ""

    def __post_init__(self) -> None:
        # A proxy may echo its credentials, which are sent with every request.
        for secret in (self.password, self.authorization.removeprefix(_BASIC)):
            known.add(secret)

    @property
    def address(self) -> str:
        """``http://host:port``, without name and password: for logs and messages."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def is_socks(self) -> bool:
        return self.scheme.startswith("socks")

    @property
    def authorization(self) -> str:
        """The value of ``Proxy-Authorization``; empty without a user name."""
        if not self.username:
            return ""
        return _BASIC + b64encode(f"{self.username}:{self.password}".encode()).decode()


SettingProvider = Callable[[], ProxySetting]


def set_provider(provider: SettingProvider) -> None:
    """Make ``provider`` the source of the user's proxy setting, for the whole process.

    It is called for each connection: a change applies from the next one on. Without this call the
    environment's ``ATLAS_DESKTOP_PROXY`` applies, which is how a child without a profile gets the setting.
    """
    global _provider  # noqa: PLW0603 - like logging and the environment, the network is the process's
    _provider = provider


def proxy_for(url: str) -> Proxy | None:
    """Return the proxy for ``url`` (http, https, ws or wss), or ``None`` for a direct connection.

    May block on a name server where the system's settings list exceptions (Windows): call it in a thread.

    Raises:
        BadProxyError: The configured proxy is unusable. The message names only where it is configured.
    """
    target = urlsplit(url)
    host = (target.hostname or "").rstrip(".")
    if is_this_computer(host):
        return None
    setting = _provider()
    match setting.mode:
        case ProxyMode.NONE:
            return None
        case ProxyMode.ADDRESS:
            exempt = _from_environment().get("no", "")
            named = setting.address and not _is_exempt(host, _port_of(target), exempt)
            return parse_proxy(setting.address, _THE_SETTING) if named else None
        case ProxyMode.AUTOMATIC:
            return _automatic(host, target)


def parse_proxy(text: str, source: str) -> Proxy:
    """Parse a proxy's address; without a scheme it is an HTTP proxy.

    Raises:
        BadProxyError: An unknown scheme, no host, an invalid port, or a password that can't be sent.
    """
    text = text.strip()
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host, port = _host_in(parts), parts.port
    except ValueError as error:
        raise BadProxyError(name=source, detail=_NO_ADDRESS) from error
    if parts.scheme not in _HTTP_PORTS and parts.scheme not in _SOCKS:
        raise BadProxyError(name=source, detail=N_("it is no http://, https:// or socks5:// address"))
    if not host or port == 0 or not text.isprintable() or _is_cut(text, parts):
        raise BadProxyError(name=source, detail=_NO_ADDRESS)
    proxy = Proxy(
        _SOCKS.get(parts.scheme, parts.scheme),
        host,
        port or _HTTP_PORTS.get(parts.scheme, _SOCKS_PORT),
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        source,
    )
    _check_credentials(proxy)
    return proxy


def _host_in(parts: SplitResult) -> str:
    """Return the host for name resolution: without brackets, in ASCII.

    Raises:
        ValueError: It is not a valid host name.
    """
    host = unquote(parts.hostname or "")
    if any(sign.isspace() for sign in host):
        raise ValueError(host)
    if _address(host) is not None:
        return host
    if ":" in host or host.replace(".", "").isdecimal():
        raise ValueError(host)
    return host.encode("idna").decode("ascii")


def _is_cut(text: str, parts: SplitResult) -> bool:
    """Return whether an unescaped sign ended the address too early, so that the host is not the real one."""
    rest = f"{parts.path}?{parts.query}#{parts.fragment}"
    return "@" in rest or ("://" not in text and parts.path not in ("", "/"))


def _check_credentials(proxy: Proxy) -> None:
    """Raise a ``BadProxyError`` for a name and password that the proxy's protocol can't carry."""
    if proxy.is_socks:
        given = (proxy.username, proxy.password)
        if not all(word.isascii() and len(word) <= _LONGEST_SOCKS_NAME for word in given):
            detail = N_("a SOCKS proxy takes a name and password of up to 255 ASCII characters each")
            raise BadProxyError(name=proxy.source, detail=detail)
    elif ":" in proxy.username:
        raise BadProxyError(name=proxy.source, detail=N_("the name that it takes can't hold a colon"))


def is_this_computer(host: str) -> bool:
    """Return whether a host name or address, without brackets, is loopback."""
    host = host.rstrip(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = _address(host)
    mapped = getattr(address, "ipv4_mapped", None)
    return address is not None and (mapped or address).is_loopback


def child_environment(*, online: bool = True) -> Mapping[str, str]:
    """Return the environment for a child: without secrets, but with proxies' passwords if ``online``.

    Passed as a whole, as the native environment may differ from Python's (``native_environment``).
    """
    setting = _provider()
    chosen = {ProxyMode.AUTOMATIC: "", ProxyMode.NONE: "none", ProxyMode.ADDRESS: setting.address}
    own = without_secrets(os.environ, proxies=online)
    rest = {name: value for name, value in own.items() if name != SETTING_NAME}
    return {**rest, SETTING_NAME: chosen[setting.mode]} if chosen[setting.mode] else rest


def _inherited_setting() -> ProxySetting:
    value = os.environ.get(SETTING_NAME, "")
    if not value:
        return ProxySetting()
    return ProxySetting(ProxyMode.NONE) if value == "none" else ProxySetting(ProxyMode.ADDRESS, value)


_provider: SettingProvider = _inherited_setting


def _from_environment() -> dict[str, str]:
    """Return proxies by kind (``https``, ``all``, ``no`` …).

    Lower case wins, an empty value counts as unset.
    """
    import urllib.request

    return urllib.request.getproxies_environment()


def _automatic(host: str, target: SplitResult) -> Proxy | None:
    # Imported here: it loads HTTP and TLS, which the first paint does not need.
    import urllib.request

    environment = _from_environment()
    proxies = environment or urllib.request.getproxies()
    scheme = _SECURE.get(target.scheme, "https")
    key = next((key for key in (scheme, "all", "socks") if proxies.get(key)), "")
    if not key or (environment and key == "socks"):
        return None
    if environment:
        exempt = _is_exempt(host, _port_of(target), environment.get("no", ""))
    else:
        exempt = sys.platform in ("darwin", "win32") and bool(urllib.request.proxy_bypass(host))
    if exempt:
        return None
    if environment:
        return parse_proxy(proxies[key], _variable_of(key))
    # macOS reports the address of a SOCKS proxy with http://.
    address = proxies[key].replace("http://", "socks5://") if key == "socks" else proxies[key]
    return parse_proxy(address, _THE_SYSTEM)


def _variable_of(key: str) -> str:
    """Return the variable's name as the user spelled it; lower case wins."""
    name = f"{key}_proxy"
    return name if os.environ.get(name) else name.upper()


def _port_of(target: SplitResult) -> int:
    try:
        return target.port or _PORTS.get(target.scheme, 0)
    except ValueError:
        return 0


def _is_exempt(host: str, port: int, no_proxy: str) -> bool:
    return any(
        _matches(entry, host.lower(), port) for entry in re.split(r"[,\s]+", no_proxy.lower()) if entry
    )


def _matches(entry: str, host: str, port: int) -> bool:
    """Return whether an entry of ``NO_PROXY`` matches: ``*``, host, suffix, network; maybe with a port."""
    found = _ENTRY.fullmatch(entry)
    if found is None or (found["port"] and int(found["port"]) != port):
        return False
    name = found["name"].replace("[", "").replace("]", "")
    address = _address(host)
    network = _network(name)
    if "*" in name and fnmatch.fnmatchcase(host, name):
        return True
    if address is not None:
        return network is not None and address in network
    suffix = name.removeprefix("*").strip(".")
    return bool(suffix) and (host == suffix or host.endswith(f".{suffix}"))


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
