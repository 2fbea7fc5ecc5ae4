"""Words of a text as a column, and the search for them: the same words on SQLite (FTS5) and on PostgreSQL (GIN)."""

import re
from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import ARRAY, Boolean, ColumnElement, Dialect, Text, TypeDecorator, bindparam, false
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

MOST_WORDS: Final = 200
"""Of one message; the first ones."""
LONGEST_WORD: Final = 64
"""Characters of a word that are looked at."""
_WORD: Final = re.compile(r"[^\W_]+")


def words_of(message: str) -> list[str]:
    """The words of a text: runs of letters and digits, in lower case, each once, in their order.

    >>> words_of("CPU spike detected: cpu_load=97% on host-7")
    ['cpu', 'spike', 'detected', 'load', '97', 'on', 'host', '7']
    """
    found = dict.fromkeys(one[:LONGEST_WORD] for one in _WORD.findall(message.lower()))
    return list(found)[:MOST_WORDS]


def _plain(word: str) -> str:
    """A word in letters on which all tokenizers agree; no word of ours begins with an underscore."""
    return word if word.isascii() else "_" + word.encode().hex()


class Words(TypeDecorator[list[str]]):
    """A list of words, to be written: an array on PostgreSQL, text with spaces between them on SQLite."""

    impl = Text
    cache_ok = True
    _between = " "

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """An array where there are arrays."""
        return dialect.type_descriptor(ARRAY(Text) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Iterable[str] | None, dialect: Dialect) -> Any:
        """As the database takes it."""
        words = list(value or ())
        return words if dialect.name == "postgresql" else self._between.join(map(_plain, words))


class _Wanted(Words):
    """The words that a text must have, all of them."""

    cache_ok = True
    _between = " AND "


class _HasWords(FunctionElement[bool]):
    inherit_cache = True
    name = "has_words"
    type = Boolean()


@compiles(_HasWords, "postgresql")
def _on_postgresql(element: _HasWords, compiler: SQLCompiler, **more: Any) -> str:
    return f"scored_logs.words @> {compiler.process(element.clauses, **more)}"


@compiles(_HasWords, "sqlite")
def _on_sqlite(element: _HasWords, compiler: SQLCompiler, **more: Any) -> str:
    wanted = compiler.process(element.clauses, **more)
    return f"scored_logs.seq IN (SELECT rowid FROM log_words WHERE log_words MATCH {wanted})"  # noqa: S608 (a parameter)


def has_words(wanted: str) -> ColumnElement[bool]:
    """Whether the message of a row of ``scored_logs`` has all words of a text, in any order; of none: nothing has."""
    words = words_of(wanted)
    return _HasWords(bindparam(None, words, type_=_Wanted)) if words else false()
