"""Where a subscriber may be called: https at a public address. What an installation can reach and others cannot is
nobody's to ask for through it (SSRF). In development mode this machine is allowed, too, and without TLS. Whom an
administrator names (a courier, an insurer, another region) may stand in a private network, and be called without TLS
where the settings say so (`RXFLOW_PLAIN_HTTP`)."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

URL_CHARACTERS_MAX = 500
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_LOCAL_NAMES = (".localhost", ".local", ".internal", ".lan", ".home.arpa")
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def wrong_with(url: str, *, development: bool, private: bool = False, plain: bool = False) -> str | None:
    """What a URL has that it may not have: form, scheme (`plain`: without TLS will do), credentials, fragment, address
    (not asked where it may be `private`). Names are resolved, and their addresses checked, at each call: they may
    change at any time."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return "form"
    if len(url) > URL_CHARACTERS_MAX or not url.isascii() or not url.isprintable() or " " in url or not host:
        return "form"
    if parts.scheme != "https" and not ((development or plain) and parts.scheme == "http"):
        return "scheme"
    if parts.username is not None or parts.password is not None:
        return "credentials"
    if "#" in url:
        return "fragment"
    return None if private or _host_allowed(host, development=development) else "address"


def allowed(address: str, *, development: bool) -> bool:
    """Whether a resolved address may be called."""
    found = _unwrapped(ipaddress.ip_address(address.partition("%")[0]))
    if development and found.is_loopback:
        return True
    return found.is_global and not found.is_multicast


def _host_allowed(host: str, *, development: bool) -> bool:
    try:
        return allowed(host, development=development)
    except ValueError:
        name = host.rstrip(".").lower()
        local = name == "localhost" or name.endswith(_LOCAL_NAMES) or name.replace(".", "").isdigit()
        return not local or (development and name == "localhost")


def _unwrapped(address: _Address) -> _Address:
    """The IPv4 address inside one of the forms of IPv6 that carry one."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(address.packed[-4:])
    teredo = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or teredo or address
