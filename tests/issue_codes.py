"""The stable codes that the program's own text can make of an issue, read out of the code itself."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

__all__ = ["codes_in"]

_CODE = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def codes_in(path: Path) -> set[str]:
    """Every text that a module gives as `code=`, or to a function of its own in the place of a parameter `code`."""
    tree = ast.parse(path.read_bytes())
    return {code for code in _given(tree) if _CODE.fullmatch(code)}


def _given(tree: ast.Module) -> Iterator[str]:
    constants = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    takes = {
        node.name: [argument.arg for argument in node.args.args].index("code")
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and "code" in [argument.arg for argument in node.args.args]
    }
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        given = [keyword.value for keyword in call.keywords if keyword.arg == "code"]
        name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
        if name in takes and len(call.args) > takes[name]:
            given.append(call.args[takes[name]])
        for value in given:
            for one in (value.body, value.orelse) if isinstance(value, ast.IfExp) else (value,):
                said = constants.get(one.id) if isinstance(one, ast.Name) else getattr(one, "value", None)
                if isinstance(said, str):
                    yield said
