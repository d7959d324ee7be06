"""How a database means to answer what is read."""

from collections.abc import Mapping
from typing import Any

from hub.store.prepared import Prepared
from hub.store.reader import Reader, Row

__all__ = ["Explaining"]


class Explaining(Reader):
    """A reader of the same snapshot that keeps the plan of every statement."""

    __slots__ = ("plans",)

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader._driver, reader.dialect, kept=reader.kept, blocks=reader.blocks)
        self.plans: list[str] = []

    def all(self, statement: Prepared, binds: Mapping[str, Any] = {}) -> list[Row]:
        self._explain(statement, binds)
        return super().all(statement, binds)

    def first(self, statement: Prepared, binds: Mapping[str, Any] = {}) -> Row | None:
        self._explain(statement, binds)
        return super().first(statement, binds)

    def _explain(self, statement: Prepared, binds: Mapping[str, Any]) -> None:
        text, values = statement.call(self.dialect, binds)
        word = "EXPLAIN QUERY PLAN" if self.dialect == "sqlite" else "EXPLAIN"
        rows = self._driver.execute(f"{word} {text}", values).fetchall()
        self.plans.append("\n".join(str(row[-1]) for row in rows))
