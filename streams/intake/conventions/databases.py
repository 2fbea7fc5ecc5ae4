"""What a call of a database is called, and which database it is."""

import re
from functools import lru_cache

from tracehound.streams.intake.conventions.names import DATABASE
from tracehound.streams.intake.conventions.statements import is_statement, summary_of
from tracehound.streams.intake.conventions.texts import Get, text

_BETWEEN_WORDS = re.compile(r"[\s:]+")
_PREFIX = re.compile(r"[a-z][\w-]*\.(?:query|execute|prepare)", re.IGNORECASE)
_SAYS_NOTHING = frozenset(("", "db", "sql", "jdbc", "prisma", "engine", "db_query"))


def database_of(get: Get) -> str:
    """The system, ``database`` where it is not said, empty where the span is about none."""
    return text(get("database")) or ("database" if any(map(get, DATABASE)) else "")


def database_operation(name: str, system: str, get: Get) -> str:
    """The operation of a span about a database, never with literals of a statement in it."""
    statement = text(get("statement"))
    if not statement and (statement := text(get("brave statement"))) and name == "query":
        name = ""  # Brave calls all statements so
    return _operation(
        name,
        system,
        text(get("database operation")),
        text(get("database name")),
        statement,
        text(get("query summary")),
        text(get("collection")),
    )


@lru_cache(maxsize=10_000)
def _operation(name: str, system: str, verb: str, namespace: str, statement: str, summary: str, collection: str) -> str:
    if not _is_bare(name, verb, system, namespace, statement):
        return summary_of(name.strip()) if is_statement(name.strip()) else name
    if summary:
        return summary
    from_statement = summary_of(statement) if statement else ""
    if name == statement and not from_statement:
        name = (
            name.split(maxsplit=1)[0] if name.strip() else ""
        )  # of another language: "GET user:7", "MATCH (n {id: 7})"
    if " " in from_statement:
        return from_statement
    if " " in verb or "/" in verb:  # SQLAlchemy's instrumentation: verb and file
        verb = verb.partition(" ")[0]
    verb = verb or (name if name not in (system, namespace) else "") or from_statement
    return f"{verb} {collection}".strip() or name or namespace or system


def database_peer(system: str, address: str, get: Get) -> str:
    """System and database, or its address where there is no name or only a number."""
    namespace = text(get("database name"))
    where = namespace if namespace and not namespace.isdecimal() else address
    return f"{system} {where}" if where else system


def _is_bare(name: str, verb: str, system: str, namespace: str, statement: str) -> bool:
    """Whether the name says no more than what is done, by what system and in which database."""
    if not name or name in (verb, system, namespace, statement) or (name.isupper() and name.isalpha()):
        return True
    known = {system, namespace, verb.partition(" ")[0].casefold(), summary_of(statement).partition(" ")[0].casefold()}
    return all(
        word in known or word.casefold() in known or word in _SAYS_NOTHING or _PREFIX.fullmatch(word)
        for word in _BETWEEN_WORDS.split(name)
    )
