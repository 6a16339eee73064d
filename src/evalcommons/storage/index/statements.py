"""SQLAlchemy statements that are used again and again, compiled once and run straight on the driver.

Measured on SQLite: a row by its key takes 45 µs through `sqlalchemy.Connection.execute` and 10 µs from here, and a
report takes about thirty such steps. The stores write SQLAlchemy Core all the same; on PostgreSQL it runs as such.
"""

import re
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

import sqlalchemy as sa

_MOST_PREPARED = 2_000
_MOST_SEEN = 256
_PLAIN_TYPES = (sa.Integer, sa.String, sa.Float, sa.LargeBinary, sa.Boolean, sa.types.NullType)

_Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]] | None


def preparing(connection: sa.Connection) -> sa.Connection:
    """The connection, with an `execute` that prepares what it is asked again; on other databases than SQLite as is."""
    return cast("sa.Connection", _Preparing(connection)) if connection.dialect.name == "sqlite" else connection


class _Preparing:
    """What the stores use of a SQLAlchemy connection, whose `execute` knows what it has run before.

    A statement object that comes a second time, as those at the top of the stores' modules do, is prepared: from then
    on only its values are bound. One made for the occasion runs through SQLAlchemy.
    """

    def __init__(self, inner: sa.Connection) -> None:
        self._inner = inner
        self._driver: Any = inner.connection.driver_connection

    def execute(self, statement: Any, parameters: _Parameters = None) -> Any:
        """Run the statement; the answer has what the stores use of SQLAlchemy's `CursorResult`."""
        if (prepared := _find(statement, parameters, self._inner.dialect)) is not None:
            return prepared.run(self._driver, parameters)
        return self._inner.execute(statement, parameters)

    def exec_driver_sql(self, text: str, parameters: Any = None) -> Any:
        """Run SQL text."""
        return self._inner.exec_driver_sql(text, parameters)


class _Answer:
    """The rows of a prepared statement, read as they are asked for."""

    __slots__ = ("_cursor", "_read")

    def __init__(self, cursor: Any, read: Callable[[Any], Any]) -> None:
        self._cursor = cursor
        self._read = read

    def __iter__(self) -> Iterator[Any]:
        return map(self._read, self._cursor)

    def first(self) -> Any:
        """The first row; None without any."""
        row = self._cursor.fetchone()
        self._cursor.close()
        return None if row is None else self._read(row)

    def one(self) -> Any:
        """The only row.

        raises  NoResultFound, MultipleResultsFound
        """
        rows = self._cursor.fetchmany(2)
        self._cursor.close()
        if not rows:
            raise sa.exc.NoResultFound("no row where one was expected")
        if len(rows) > 1:
            raise sa.exc.MultipleResultsFound("several rows where one was expected")
        return self._read(rows[0])

    def all(self) -> list[Any]:
        """Every row."""
        return list(self)

    def scalar(self) -> Any:
        """The first value of the first row; None without rows."""
        row = self.first()
        return None if row is None else row[0]

    def scalar_one(self) -> Any:
        """The first value of the only row."""
        return self.one()[0]

    @property
    def rowcount(self) -> int:
        """Rows that were changed."""
        return int(self._cursor.rowcount)

    @property
    def inserted_primary_key(self) -> tuple[int]:
        """The number that an inserted row was given."""
        return (self._cursor.lastrowid,)


class _Prepared:
    """A statement for parameters of these names: SQL text, the order of its values, and how to read its rows."""

    __slots__ = ("_given", "_names", "_read", "_sql")

    def __init__(self, sql: str, names: Sequence[str], given: dict[str, Any], read: Callable[[Any], Any]) -> None:
        self._sql = sql
        self._names = names
        self._given = given
        self._read = read

    def run(self, driver: Any, parameters: _Parameters) -> _Answer:
        """Bind the values and execute."""
        if parameters is None or isinstance(parameters, Mapping):
            return _Answer(driver.execute(self._sql, self._values(parameters or {})), self._read)
        return _Answer(driver.executemany(self._sql, [self._values(each) for each in parameters]), self._read)

    def _values(self, sent: Mapping[str, Any]) -> list[Any]:
        given = self._given
        return [sent[name] if name in sent else given[name] for name in self._names]


_prepared: dict[tuple[Any, ...], tuple[Any, _Prepared | None]] = {}
_seen: dict[tuple[Any, ...], Any] = {}


def _find(statement: Any, parameters: _Parameters, dialect: sa.Dialect) -> _Prepared | None:
    """The prepared statement; None for one that was not seen before or cannot be prepared.

    Both tables hold the statements, so that an id means one of them for as long as it is known here.
    """
    if parameters is None or isinstance(parameters, Mapping):
        names: Mapping[str, Any] = parameters or {}
    elif not parameters:
        return None
    else:
        names = parameters[0]
    key = (id(statement), *names)
    if (known := _prepared.get(key)) is not None:
        return known[1]
    if _seen.get(key) is not statement:
        if len(_seen) >= _MOST_SEEN:
            _seen.clear()
        _seen[key] = statement
        return None
    if len(_prepared) >= _MOST_PREPARED:
        return None
    made = _prepare(statement, list(names), dialect)
    _prepared[key] = (statement, made)
    _seen.pop(key, None)
    return made


def _prepare(statement: Any, names: list[str], dialect: sa.Dialect) -> _Prepared | None:
    compiled: Any = statement.compile(dialect=dialect, column_keys=names or None)
    sql = str(compiled)
    given = {name: bind.effective_value for name, bind in compiled.binds.items() if not bind.required}
    for column in getattr(compiled, "insert_prefetch", ()):
        if column.default is None or not column.default.is_scalar:
            return None
        given[column.key] = column.default.arg
    columns: list[Any] = list(statement.selected_columns if statement.is_select else statement.exported_columns)
    types = [bind.type for bind in compiled.binds.values()] + [column.type for column in columns]
    # Lists of values grow with each call, and other types want conversions: both are SQLAlchemy's business.
    if compiled.post_compile_params or compiled.escaped_bind_names:
        return None
    if not all(isinstance(each, _PLAIN_TYPES) for each in types):
        return None
    return _Prepared(sql, tuple(compiled.positiontup or ()), given, _reader(columns))


def _reader(columns: Sequence[Any]) -> Callable[[Any], Any]:
    """What makes a row of the driver's: names for its fields, and truth values of SQLite's 0 and 1."""
    names = " ".join(re.sub(r"\W", "_", str(column.key)) for column in columns)
    row_type: Any = namedtuple("Row", names, rename=True)  # type: ignore[misc]  # noqa: PYI024
    make: Callable[[Any], Any] = row_type._make
    booleans = [place for place, column in enumerate(columns) if isinstance(column.type, sa.Boolean)]
    if not booleans:
        return make

    def read(row: Any) -> Any:
        values = list(row)
        for place in booleans:
            if values[place] is not None:
                values[place] = bool(values[place])
        return make(values)

    return read
