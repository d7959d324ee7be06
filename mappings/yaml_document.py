"""YAML as a source map is written in: the JSON schema of YAML 1.2, so that `no` stays a word and `01234` keeps its
zero (https://yaml.org/spec/1.2.2/#102-json-schema); decimals stay exact, a key stands once."""

import re
from decimal import Decimal
from typing import Any

import yaml

try:
    from yaml import CSafeLoader as _SafeLoader  # ten times as fast, where PyYAML was built with its C library
except ImportError:
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]  # read by the same rules

__all__ = ["NotYaml", "parse"]


class NotYaml(ValueError):
    """A text that is no YAML; what is wrong, and where."""

    def __init__(self, reason: str, line: int, column: int) -> None:
        super().__init__(f"line {line}, column {column}: {reason}")
        self.reason = reason
        self.line = line
        self.column = column


class _Loader(_SafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - as PyYAML declares it


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str) or key in found:
            problem = "a key that stands twice" if isinstance(key, str) else "a key that is no text"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=key_node.start_mark)
        found[key] = loader.construct_object(value_node, deep=True)
    return found


def _decimal(loader: _Loader, node: yaml.ScalarNode) -> Decimal:
    return Decimal(str(loader.construct_scalar(node)))


_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"(?:~|null|)$"), ["~", "n", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"(?:true|false)$"), ["t", "f"])
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"-?(?:0|[1-9][0-9]*)$"), list("-0123456789"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+$"), list("-0123456789")
)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:float", _decimal)


def parse(text: bytes) -> Any:
    """The one document of a YAML text; raises `NotYaml`."""
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a subclass of SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise NotYaml(
            error.problem or "not YAML", mark.line + 1 if mark else 1, mark.column + 1 if mark else 1
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        raise NotYaml("not YAML in UTF-8", 1, 1) from None
