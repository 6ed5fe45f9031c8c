"""Who may call what listens on this machine: its programs, and no page that a browser shows.

A page can send requests to 127.0.0.1, and let a name of its own lead there. It cannot help sending
its origin with them, or that name as the host.
"""

import ipaddress
from urllib.parse import urlsplit


def refusal(host: str | None, origin: str | None) -> str | None:
    """Why a request with these headers is refused; None: it is not.

    An address is nobody's name, and containers reach this machine by another one than 127.0.0.1.
    Names below localhost lead here whoever asks (RFC 6761), and S3's clients put the bucket there.
    """
    if not _is_address(_host_of(f"//{host}")):
        return f"Host must be localhost or an address, got {host}"
    if origin is not None and origin.lower() != f"http://{host}".lower():
        return f"Origin must not be there, got {origin}"
    return None


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_address(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
