"""Large numbers in German sentences."""

import ast
from pathlib import Path

from conformance.formats.grouped import grouped

ROOT = Path(__file__).parents[2]


def test_digits_are_grouped_by_points() -> None:
    assert [grouped(number) for number in (0, 999, 1000, 1_048_576, -2000)] == [
        "0",
        "999",
        "1.000",
        "1.048.576",
        "-2.000",
    ]


def test_no_german_text_groups_them_as_english_does() -> None:
    found = [
        f"{path}:{keyword.value.lineno}"
        for folder in ("adapters", "conformance", "hub", "mappings")
        for path in (ROOT / folder).rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call)
        for keyword in call.keywords
        if keyword.arg == "text_de" and any(map(_groups_by_commas, ast.walk(keyword.value)))
    ]
    assert found == []


def _groups_by_commas(node: ast.AST) -> bool:
    return isinstance(node, ast.FormattedValue) and node.format_spec is not None and "','" in ast.dump(node.format_spec)
