"""Names of operations without the ids in them, so that their number stays bounded."""

import re
from functools import lru_cache

_URL_LIKE = re.compile(
    r"(?P<verbs>(?:[A-Za-z]+ ){0,2})"
    r"(?P<origin>[a-z][a-z0-9+.-]*://[^/?#\s]*)?"
    r"(?P<path>/(?!\*)\S*)?"  # an SQL comment is no path
    r"(?:[?#]\S*)?"
)
_QUERY = re.compile(r"[?#](?![^{}?#]*\}).*")  # a question mark within braces belongs to a template
_UUID = r"\{?[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\}?"
_HEX = r"(?=[a-fA-F]*[0-9])[0-9a-fA-F]{12,}"
_ULID = r"(?=[A-Z]*[0-9])[0-9A-HJKMNP-TV-Z]{26}"
_DATE = r"\d{4}-\d{2}-\d{2}(?:T[0-9:.]+Z?)?"
_NUMBER = r"-?\d+|-?\d+\.\d{3,}"
_ID_PART = re.compile(
    rf"(?P<word>(?:[A-Za-z]+[-_:])*(?=\d{{5}}|{_UUID}|{_HEX}))?"
    rf"(?:{_UUID}|{_ULID}|{_HEX}|{_DATE}|{_NUMBER})(?P<suffix>\.[a-z]{{1,5}})?"
)
_WORD_BEGINS, _WORD_ENDS = r"(?<![A-Za-z0-9])", r"(?![A-Za-z0-9])"
_GENERATED = re.compile(
    r"(?P<java>\$\$Lambda|\$\$[A-Za-z]*CGLIB(?=\$\$)|\$Proxy(?=\d))"
    r"(?:\$\$[0-9a-f]+|\$\d+|\d+)?(?:/(?:0x)?[0-9a-fA-F]+)?"
    r"|(?P<queue>\b(?:amq|spring)\.gen-)[\w-]{8,}"
    r"|(?<![\w.%+-])[\w.%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"
    rf"|{_WORD_BEGINS}(?:{_UUID}|{_ULID}|(?=[0-9]*[a-fA-F])(?=[a-fA-F]*[0-9])[0-9a-fA-F]{{16,}}){_WORD_ENDS}"
)
"""What programs name by themselves, anew at each start or for each connection, message or user."""
_LONG = re.compile(r"[0-9a-fA-F]{16}|[0-9A-Z]{26}")
_DASHES = 4
"""Of a UUID."""


@lru_cache(maxsize=8_192)
def normalize_operation(name: str) -> str:
    """The template of an operation's name: what was generated becomes ``{id}``, so do ids in a URL-like path, of which
    query strings go.

    Generated are, wherever they stand, UUIDs, ULIDs, 16 and more hexadecimal digits with letters, e-mail addresses, and
    queues that a client let the broker name; lambdas and proxies of Java lose their numbers.
    A name is URL-like if it is a path or an absolute URL, after up to two words such as ``GET``. Path parts
    that are numbers, dates, UUIDs, ULIDs or long hexadecimal digits are ids, also after a word
    (``order-82311``) and before a file's suffix. Everything else, and existing templates, stay as they are.

    >>> normalize_operation("GET /users/8231?page=2")
    'GET /users/{id}'
    >>> normalize_operation("/orders/123e4567-e89b-12d3-a456-426614174000/items/7.json")
    '/orders/{id}/items/{id}.json'
    >>> normalize_operation("/api/{verifyCode}")
    '/api/{verifyCode}'
    >>> normalize_operation("SELECT * FROM users WHERE id = 8231")
    'SELECT * FROM users WHERE id = 8231'
    >>> normalize_operation("Job$$Lambda$772/0x0000000801a3.run"), normalize_operation("process amq.gen-Xa94kcQ5mR")
    ('Job$$Lambda.run', 'process amq.gen-{id}')
    """
    if _may_be_generated(name):
        name = _GENERATED.sub(_named, name)
    url = _URL_LIKE.fullmatch(name)
    if url is None or not (url["origin"] or url["path"]):
        return name
    path = _QUERY.sub("", url["path"] or "")
    return url["verbs"] + (url["origin"] or "") + "/".join(map(_template, path.split("/")))


def _may_be_generated(name: str) -> bool:
    """Whether ``_GENERATED`` may find anything in a name: of most it need not be asked, and it takes its time."""
    if "$" in name or "@" in name or "gen-" in name or name.count("-") >= _DASHES:
        return True
    return not name.isalpha() and _LONG.search(name) is not None


def _named(found: re.Match[str]) -> str:
    return found["java"] or (found["queue"] or "") + "{id}"


def _template(part: str) -> str:
    without_parameters = part if "{" in part else part.partition(";")[0]
    found = _ID_PART.fullmatch(without_parameters)
    if found is None:
        return without_parameters
    return (found["word"] or "") + "{id}" + (found["suffix"] or "")
