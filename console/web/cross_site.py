"""Keeps other web pages from using a person's session: cookies go along with whatever a browser sends.

Source: https://web.dev/articles/fetch-metadata, https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from tracehound.streams.http.refusal import RequestRefusedError

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def check_same_site(method: str, headers: Mapping[str, str]) -> None:
    """A request that is not known by a key in a header of its own may change something only from our own pages.

    Raises:
        RequestRefusedError: it comes from another page, or does not say from where (403).
    """
    if method in SAFE_METHODS:
        return
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        fits = site in ("same-origin", "none")
    else:
        fits = origin is not None and _host(origin) == headers.get("host", "").lower()
    if not fits:
        raise RequestRefusedError(
            403,
            "cross_site",
            "What changes something must come from the console's own pages, as 'Sec-Fetch-Site' or 'Origin' say, "
            f"or with a key. Got {(site or origin or 'neither')[:100]!r} instead.",
        )


def _host(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
