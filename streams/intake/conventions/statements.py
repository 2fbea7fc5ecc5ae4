"""What SQL statements are about: a verb and a table, never their literals."""

import re
from functools import lru_cache

_READ_CHARACTERS = 2_000
_COMMENT = re.compile(r"/\*.*?(?:\*/|$)|--[^\n]*", re.DOTALL)
_IDENTIFIER = r"(?:[A-Za-z_][\w$]*|\"[^\"\s]+\"|`[^`\s]+`|\[[^\]\s]+\])"
_TABLE = rf"(?P<table>{_IDENTIFIER}(?:\s*\.\s*{_IDENTIFIER}){{0,3}})"
_VERB = re.compile(r"[\s(;]*(?P<verb>[A-Za-z]+)\b")
_WHERE_THE_TABLE_IS = {
    "SELECT": re.compile(rf"\bfrom\s+(?:only\s+)?{_TABLE}", re.IGNORECASE),
    "DELETE": re.compile(rf"\bfrom\s+(?:only\s+)?{_TABLE}", re.IGNORECASE),
    "INSERT": re.compile(rf"\binto\s+{_TABLE}", re.IGNORECASE),
    "REPLACE": re.compile(rf"\binto\s+{_TABLE}", re.IGNORECASE),
    "MERGE": re.compile(rf"\binto\s+{_TABLE}", re.IGNORECASE),
    "UPSERT": re.compile(rf"\binto\s+{_TABLE}", re.IGNORECASE),
    "UPDATE": re.compile(rf"\bupdate\s+(?:only\s+)?{_TABLE}", re.IGNORECASE),
    "TRUNCATE": re.compile(rf"\btruncate\s+(?:table\s+)?{_TABLE}", re.IGNORECASE),
    "CREATE": re.compile(rf"\btable\s+(?:if\s+not\s+exists\s+)?{_TABLE}", re.IGNORECASE),
    "ALTER": re.compile(rf"\btable\s+(?:if\s+exists\s+)?{_TABLE}", re.IGNORECASE),
    "DROP": re.compile(rf"\btable\s+(?:if\s+exists\s+)?{_TABLE}", re.IGNORECASE),
    "CALL": re.compile(rf"\bcall\s+{_TABLE}", re.IGNORECASE),
    "EXEC": re.compile(rf"\bexec\s+{_TABLE}", re.IGNORECASE),
    "WITH": re.compile(rf"\)\s*(?:select\b.*?\bfrom|insert\s+into|update|delete\s+from)\s+{_TABLE}", re.I | re.S),
    "BEGIN": None,
    "START": None,
    "COMMIT": None,
    "ROLLBACK": None,
    "SAVEPOINT": None,
    "RELEASE": None,
    "SET": None,
    "SHOW": None,
    "EXPLAIN": None,
    "PRAGMA": None,
    "VALUES": None,
    "LOCK": None,
}
_LITERAL = re.compile(r"'|=|\?|\$\d|\(|\*|<|>|\bvalues\b|\bwhere\b", re.IGNORECASE)
_QUOTES = str.maketrans("", "", '"`[] \t\r\n')


@lru_cache(maxsize=10_000)
def summary_of(statement: str) -> str:
    """Verb and first table of an SQL statement, or the verb alone; empty for what is no SQL.

    >>> summary_of("select * from shop.item where id = 7"), summary_of('/* a */ UPDATE "order" SET x = 1')
    ('SELECT shop.item', 'UPDATE order')
    >>> summary_of("begin"), summary_of('{"find": "users"}')
    ('BEGIN', '')
    """
    read = _COMMENT.sub(" ", statement[:_READ_CHARACTERS])
    found = _VERB.match(read)
    verb = found["verb"].upper() if found else ""
    if verb not in _WHERE_THE_TABLE_IS:
        return ""
    pattern = _WHERE_THE_TABLE_IS[verb]
    place = pattern.search(read) if pattern is not None else None
    return f"{verb} {place['table'].translate(_QUOTES)}" if place else verb


@lru_cache(maxsize=10_000)
def is_statement(name: str) -> bool:
    """Whether a name is a whole statement, with what may be literals in it.

    >>> is_statement("SELECT * FROM users WHERE id = 8231"), is_statement("SELECT users"), is_statement("select")
    (True, False, False)
    """
    return bool(_LITERAL.search(name)) and summary_of(name) != ""
