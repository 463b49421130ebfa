"""Which proxy leads where: the environment, the setting, and what names none that can be used."""

import contextlib
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas_desktop import proxies
from atlas_desktop.errors import BadProxyError
from atlas_desktop.proxies import (
    SETTING_NAME,
    Proxy,
    ProxyMode,
    ProxySetting,
    child_environment,
    parse_proxy,
    proxy_for,
)

NAMES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
THERE = "http://proxy.example:3128"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in (*NAMES, *map(str.lower, NAMES), SETTING_NAME):
        monkeypatch.delenv(name, raising=False)
    proxies.set_provider(ProxySetting)
    yield
    proxies.set_provider(ProxySetting)


def led(url: str) -> str:
    proxy = proxy_for(url)
    return "" if proxy is None else proxy.address


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.8.9.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "a.localhost",
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https", "ws", "wss"])
def test_this_computer_is_never_behind_a_proxy(
    scheme: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in NAMES[:3]:
        monkeypatch.setenv(name, THERE)
    assert led(f"{scheme}://{host}:8080/x") == ""
    proxies.set_provider(lambda: ProxySetting(ProxyMode.ADDRESS, THERE))
    assert led(f"{scheme}://{host}:8080/x") == ""


@pytest.mark.parametrize(
    ("variables", "url", "address"),
    [
        ({"HTTPS_PROXY": THERE}, "https://api.example", THERE),
        ({"HTTPS_PROXY": THERE}, "wss://room.example", THERE),
        ({"https_proxy": THERE}, "wss://room.example", THERE),
        ({"HTTPS_PROXY": THERE}, "ws://room.example", ""),
        ({"HTTP_PROXY": THERE}, "ws://room.example", THERE),
        ({"HTTP_PROXY": THERE}, "wss://room.example", ""),
        ({"ALL_PROXY": THERE}, "wss://room.example", THERE),
        ({"all_proxy": THERE}, "https://api.example", THERE),
        ({"ALL_PROXY": "http://other.example", "HTTPS_PROXY": THERE}, "https://api.example", THERE),
        ({"HTTPS_PROXY": "http://other.example", "https_proxy": THERE}, "https://api.example", THERE),
        ({"HTTPS_PROXY": "", "ALL_PROXY": THERE}, "https://api.example", THERE),
        ({"HTTPS_PROXY": "proxy.example:3128"}, "https://api.example", THERE),
        ({"HTTPS_PROXY": "  proxy.example:3128 "}, "https://api.example", THERE),
        ({"HTTPS_PROXY": "https://proxy.example"}, "https://api.example", "https://proxy.example:443"),
        ({"HTTPS_PROXY": "http://proxy.example/"}, "https://api.example", "http://proxy.example:80"),
        ({"HTTPS_PROXY": "[fd00::5]:3128"}, "https://api.example", "http://[fd00::5]:3128"),
        ({"HTTPS_PROXY": "HTTP://Proxy.Example:3128"}, "https://api.example", THERE),
        ({"HTTPS_PROXY": "pröxy.example:3128"}, "https://api.example", "http://xn--prxy-6qa.example:3128"),
        ({"HTTPS_PROXY": "http://[fe80::1%25eth0]:1"}, "https://api.example", "http://[fe80::1%eth0]:1"),
        ({"ALL_PROXY": "socks://127.0.0.1:1080/"}, "https://api.example", "socks5://127.0.0.1:1080"),
        ({"all_proxy": "socks5://proxy.example"}, "wss://room.example", "socks5://proxy.example:1080"),
        ({"ALL_PROXY": "SOCKS5H://ann:w@[fd00::5]:1"}, "https://api.example", "socks5://[fd00::5]:1"),
        ({"HTTPS_PROXY": "socks4a://proxy.example"}, "https://api.example", "socks4://proxy.example:1080"),
        ({"ALL_PROXY": "socks5://proxy.example", "HTTPS_PROXY": THERE}, "wss://room.example", THERE),
        ({"SOCKS_PROXY": "socks5://proxy.example"}, "https://api.example", ""),
        ({}, "https://api.example", ""),
    ],
)
def test_the_environment(
    variables: dict[str, str], url: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert led(url) == address


@pytest.mark.parametrize(
    ("no_proxy", "url", "is_exempt"),
    [
        ("api.example", "https://api.example", True),
        ("api.example", "wss://api.example", True),
        ("API.Example", "https://api.EXAMPLE", True),
        ("example", "https://api.example", True),
        (".example", "https://api.example", True),
        ("*.example", "https://api.example", True),
        (".api.example", "https://api.example", True),
        ("pi.example", "https://api.example", False),
        ("*", "https://api.example", True),
        ("other, \t api.example", "https://api.example", True),
        ("other api.example", "https://api.example", True),
        ("api.example:443", "https://api.example", True),
        ("api.example:443", "wss://api.example", True),
        ("api.example:8443", "https://api.example", False),
        ("api.example:8443", "https://api.example:8443", True),
        ("https://api.example", "https://api.example", True),
        ("10.0.0.0/8", "https://10.2.3.4", True),
        ("10.0.0.0/8", "https://11.2.3.4", False),
        ("10.1.2.3/8", "https://10.2.3.4", True),
        ("10.2.3.4", "wss://10.2.3.4:7880", True),
        ("10.2.3.4:80", "wss://10.2.3.4:7880", False),
        ("10", "https://1.2.3.10", False),
        ("10.*", "https://10.2.3.4", True),
        ("10.*", "https://110.2.3.4", False),
        ("fd00::/8", "https://[fd00::7]", True),
        ("fd00::7", "https://[fd00::7]:8443", True),
        ("[fd00::7]", "https://[fd00::7]", True),
        ("[fd00::7]:443", "https://[fd00::7]", True),
        ("[fd00::7]:444", "https://[fd00::7]", False),
        ("::1/128", "https://api.example", False),
        ("[fd00::]/8", "https://[fd00::7]", True),
        ("10.0.0.0/99", "https://10.2.3.4", False),
        ("/", "https://api.example", False),
        (",,, ", "https://api.example", False),
        ("[", "https://api.example", False),
    ],
)
def test_no_proxy(no_proxy: str, url: str, is_exempt: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", THERE)
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert led(url) == ("" if is_exempt else THERE)
    proxies.set_provider(lambda: ProxySetting(ProxyMode.ADDRESS, THERE))
    assert led(url) == ("" if is_exempt else THERE)


def test_the_setting_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://other.example")
    proxies.set_provider(lambda: ProxySetting(ProxyMode.ADDRESS, "proxy.example:3128"))
    assert (led("https://api.example"), led("ws://room.example")) == (THERE, THERE)
    proxies.set_provider(lambda: ProxySetting(ProxyMode.NONE))
    assert led("https://api.example") == ""
    proxies.set_provider(lambda: ProxySetting(ProxyMode.ADDRESS, ""))
    assert led("https://api.example") == ""


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("ftp://ann:secret@proxy", "no http://, https:// or socks5:// address"),
        ("socks6://ann:secret@proxy", "no http://, https:// or socks5:// address"),
        ("h ttp://ann:secret@proxy", "no http://, https:// or socks5:// address"),
        ("socks5://", "no address"),
        ("socks5://proxy:0", "no address"),
        ("socks5://ann:secrét@proxy", "255 ASCII"),
        (f"socks5://ann:{'secret' * 50}@proxy", "255 ASCII"),
        ("http://an%3An:secret@proxy:3128", "a colon"),
        ("http://", "no address"),
        ("http://ann:secret@", "no address"),
        ("http://proxy:port", "no address"),
        ("http://ann:sec/ret@proxy:3128", "no address"),
        ("http://proxy:99999", "no address"),
        ("http://[secret", "no address"),
        ("http://ann:12/secret@proxy:3128", "no address"),
        ("http://ann:12?secret@proxy:3128", "no address"),
        ("http://ann:12#secret@proxy:3128", "no address"),
        ("http:/proxy:3128", "no address"),
        ("3128", "no address"),
        (":3128", "no address"),
        ("300.1.1.1:3128", "no address"),
        ("fd00::5:3128", "no address"),
        ("http://[fd00::zz]:3128", "no address"),
        ("http://pro..xy:3128", "no address"),
        (f"http://{'a' * 64}.example:3128", "no address"),
        ("http://proxy:+3128", "no address"),
        ("http://proxy:３１", "no address"),
        ("http://pro\x01xy:3128", "no address"),
        ("pro xy:3128", "no address"),
    ],
)
def test_what_is_no_proxy_is_refused_by_the_name_of_what_named_it(
    value: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", value)
    with pytest.raises(BadProxyError) as caught:
        proxy_for("https://api.example")
    assert "ALL_PROXY" in str(caught.value)
    assert words in str(caught.value)
    assert caught.value.params["sent"] is False
    assert "secret" not in str(caught.value)
    assert "ann" not in str(caught.value)


@pytest.mark.parametrize("name", ["ALL_PROXY", "all_proxy", "https_proxy"])
def test_the_variable_is_named_as_it_was_written(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "http://proxy:port")
    with pytest.raises(BadProxyError, match=f"proxy in {name}:"):
        proxy_for("https://api.example")


@pytest.mark.parametrize("address", ["socks5://proxy.example:1080", "http://proxy.example:1080"])
def test_a_socks_proxy_of_the_system_is_one(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second is how Python gives macOS's."""
    monkeypatch.setattr("urllib.request.getproxies", lambda: {"socks": address})
    assert led("https://api.example") == "socks5://proxy.example:1080"


def test_name_and_password_are_decoded_and_shown_nowhere() -> None:
    proxy = parse_proxy("http://an%40n:p%3Aw%25%C3%A9@proxy:1", "HTTPS_PROXY")
    assert (proxy.username, proxy.password) == ("an@n", "p:w%é")
    assert proxy.authorization == "Basic YW5AbjpwOnclw6k="
    assert proxy.address == "http://proxy:1"
    assert "p:w" not in repr(proxy)
    assert Proxy("http", "proxy", 1).authorization == ""


def test_children_are_given_the_environment_and_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", THERE)
    assert child_environment()["HTTPS_PROXY"] == THERE
    assert SETTING_NAME not in child_environment()
    proxies.set_provider(lambda: ProxySetting(ProxyMode.NONE))
    assert child_environment()[SETTING_NAME] == "none"
    proxies.set_provider(lambda: ProxySetting(ProxyMode.ADDRESS, "proxy:1"))
    assert child_environment()[SETTING_NAME] == "proxy:1"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_the_environment_holds_it_is_answered_or_refused(value: str, no_proxy: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "urllib.request.getproxies_environment", lambda: {"https": value, "no": no_proxy} if value else {}
        )
        with contextlib.suppress(BadProxyError):
            proxy_for("https://api.example:8443")
