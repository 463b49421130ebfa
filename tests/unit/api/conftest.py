import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from atlas_desktop import proxies
from atlas_desktop.api.certificates import certificates
from atlas_desktop.proxies import SETTING_NAME, ProxySetting
from tests.unit.tls import server_context

HOST = "api.example"
_NAMES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", SETTING_NAME)


@pytest.fixture
def bare_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An environment that names neither proxies nor certificates, and none that were read before."""
    for name in (*_NAMES, *map(str.lower, _NAMES)):
        monkeypatch.delenv(name, raising=False)
    proxies.set_provider(ProxySetting)
    certificates.cache_clear()
    yield
    certificates.cache_clear()
    proxies.set_provider(ProxySetting)


@pytest.fixture
def trusted(bare_network: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A service's side of TLS at ``HOST``; its certificate is trusted."""
    context, file = server_context(HOST, tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return context
