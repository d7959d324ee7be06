"""Statements compiled once for each engine and then run by the driver itself: a request builds no SQL.

https://docs.sqlalchemy.org/en/20/core/compiler.html
"""

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import BigInteger, BindParameter, ColumnElement, bindparam, literal_column
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.types import Boolean

__all__ = ["LOW_MAX", "Prepared", "one_of", "packed_columns", "packed_pair", "pair_of"]

_DIALECTS: Mapping[str, Dialect] = {
    "sqlite": SQLiteDialect_pysqlite(paramstyle="named"),
    "postgresql": PGDialect_psycopg(),  # type: ignore[no-untyped-call]  # SQLAlchemy does not type it
}

_POSITIONAL: Mapping[str, Dialect] = {
    "sqlite": SQLiteDialect_pysqlite(paramstyle="qmark"),
    "postgresql": PGDialect_psycopg(paramstyle="format"),  # type: ignore[no-untyped-call]  # see above
}


class Prepared:
    """A statement of SQLAlchemy's Core as text; a list is one value (see `one_of`), so no value changes the text."""

    __slots__ = ("_compiled", "_positional", "_statement")

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        self._compiled: dict[str, tuple[str, Mapping[str, Any]]] = {}
        self._positional: dict[str, str] = {}

    def compiled(self, dialect: str) -> tuple[str, Mapping[str, Any]]:
        """The text for an engine, and the values that it already has."""
        found = self._compiled.get(dialect)
        if found is None:
            compiled = self._statement.compile(dialect=_DIALECTS[dialect])
            given = {name: value for name, value in (compiled.params or {}).items() if value is not None}
            found = self._compiled[dialect] = (str(compiled), given)
        return found

    def positional(self, dialect: str) -> str:
        """The text for an engine that takes its values by position, in the order in which they stand in it."""
        found = self._positional.get(dialect)
        if found is None:
            found = self._positional[dialect] = str(self._statement.compile(dialect=_POSITIONAL[dialect]))
        return found

    def call(self, dialect: str, binds: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        """The text for an engine, and all values as its driver takes them."""
        text, given = self.compiled(dialect)
        values = {**given, **binds}
        if dialect == "sqlite":
            for name, value in values.items():
                if type(value) is list:
                    values[name] = orjson.dumps(value).decode()
        return text, values


class one_of(ColumnElement[bool]):  # noqa: N801 - reads as the SQL operator that it is
    """Whether a column's value is one of a list that comes in one bind: the statement is the same for every length."""

    inherit_cache = True
    type = Boolean()
    # Or SQLite, which has no booleans, gets "… = 1", and uses no index.
    _is_implicitly_boolean = True

    def __init__(self, column: ColumnElement[Any], bind: BindParameter[Any] | str) -> None:
        name = bind if isinstance(bind, str) else bind.key
        self.column = column
        self.values: BindParameter[Any] = bindparam(name, type_=ARRAY(column.type))


@compiles(one_of, "sqlite")
def _one_of_sqlite(element: one_of, compiler: SQLCompiler, **options: Any) -> str:
    column = compiler.process(element.column, **options)
    values = compiler.process(element.values, **options)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608 - compiled SQL, no value in it


@compiles(one_of, "postgresql")
def _one_of_postgresql(element: one_of, compiler: SQLCompiler, **options: Any) -> str:
    column = compiler.process(element.column, **options)
    return f"{column} = ANY({compiler.process(element.values, **options)})"


_LOW_BITS = 24
LOW_MAX = (1 << _LOW_BITS) - 1
"""The greatest second number of a `packed_pair`, which does not look: who makes such numbers does."""


def packed_pair(high: int, low: int) -> int:
    """Two numbers as one, as `pair_of` reads them: up to 39 and 24 bits."""
    return high << _LOW_BITS | low


def packed_columns(high: ColumnElement[int], low: ColumnElement[int]) -> ColumnElement[int]:
    """Two columns as one number, the `packed_pair` of their values."""
    return high.op("<<", return_type=BigInteger())(literal_column(str(_LOW_BITS))).op("|")(low)


class pair_of(one_of):  # noqa: N801 - see above
    """Whether the values of two columns are one of a list of pairs in one bind, as `packed_pair` makes them."""

    inherit_cache = True

    def __init__(self, high: ColumnElement[int], low: ColumnElement[int], name: str) -> None:
        self.high, self.low = high, low
        self.values = bindparam(name, type_=ARRAY(BigInteger()))


@compiles(pair_of, "sqlite")
def _pair_of_sqlite(element: pair_of, compiler: SQLCompiler, **options: Any) -> str:
    pair, values = _pair(element, compiler, options)
    found = f"SELECT value >> {_LOW_BITS}, value & {LOW_MAX} FROM json_each({values})"  # noqa: S608 - see above
    return f"{pair} IN ({found})"


@compiles(pair_of, "postgresql")
def _pair_of_postgresql(element: pair_of, compiler: SQLCompiler, **options: Any) -> str:
    pair, values = _pair(element, compiler, options)
    found = f"SELECT p >> {_LOW_BITS}, CAST(p & {LOW_MAX} AS INTEGER) FROM unnest({values}) AS p"  # noqa: S608 - see above
    return f"{pair} IN ({found})"


def _pair(element: pair_of, compiler: SQLCompiler, options: dict[str, Any]) -> tuple[str, str]:
    high, low, values = (compiler.process(one, **options) for one in (element.high, element.low, element.values))
    return f"({high}, {low})", values
