"""The operator's own source maps and code tables, as they lie in two folders: `sources/*.yaml` and
`terminology/*.json`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from adapters import registry
from mappings.errors import Issue, Rejected
from mappings.language import load
from mappings.rehearsal import rehearse
from mappings.source_map import SourceMap
from mappings.terminology import Table, read_table

__all__ = ["TERMINOLOGY", "OwnMaps", "check_format", "read_map", "read_own"]

TERMINOLOGY = "terminology"
"""The folder of the operator's own ConceptMaps, beside that of the source maps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnMaps:
    """What the operator wrote, and what is wrong with it: a map left out, an example that does not come true, a code
    without a target."""

    maps: Mapping[str, SourceMap]
    tables: Mapping[str, Table]
    files: Mapping[str, str]
    """The file that each map stands in, by the map's name."""
    wrong: Mapping[str, tuple[Issue, ...]]
    """By file: `heim.yaml`, `terminology/heim-care-form.json`."""

    @property
    def problems(self) -> tuple[Issue, ...]:
        """All that is wrong."""
        return tuple(issue for issues in self.wrong.values() for issue in issues)

    def concerning(self, name: str) -> tuple[Issue, ...]:
        """What is wrong with one map and the tables that it uses; of a map that cannot be used, which has no name, by
        that of its file."""
        one = self.maps.get(name)
        if one is None:
            return self.wrong.get(f"{name}.yaml", ())
        files = [*(table.file for table in one.tree.tables if table.name in self.tables), self.files[name]]
        return tuple(issue for file in files for issue in self.wrong.get(file, ()))


def read_own(folder: Path) -> OwnMaps:
    """The maps in a folder, and the tables in the one beside it; what is wrong with one stops no other.

    A map that cannot be used is left out. One whose examples do not come true is used, since an example may be what is
    wrong, and told.
    """
    tables, wrong = _tables(folder.parent / TERMINOLOGY)
    maps: dict[str, SourceMap] = {}
    files: dict[str, str] = {}
    for path in sorted(folder.glob("*.yaml")):
        try:
            one = read_map(path, tables)
            if one.name in maps:
                raise Rejected(_named_twice(path.name, one.name))
        except Rejected as error:
            wrong[path.name] = error.issues
        else:
            maps[one.name], files[one.name] = one, path.name
            unlike = tuple(replace(issue, place=f"{path.name}: {issue.place}") for issue in rehearse(one))
            if unlike:
                wrong[path.name] = unlike
    return OwnMaps(maps=maps, tables=tables, files=files, wrong=wrong)


def read_map(path: Path, tables: Mapping[str, Table]) -> SourceMap:
    """A source map from a file; raises `Rejected` for one that cannot be used."""
    one = load(_content(path), origin=path.name, tables=tables)
    check_format(one, path.name)
    return one


def check_format(source_map: SourceMap, origin: str) -> None:
    """Raises `Rejected` for a wrong format or option: whoever keeps the map hears of it when the hub starts, not a
    sender with each delivery."""
    if source_map.format not in registry.formats():
        listed = ", ".join(registry.formats())
        raise Rejected(
            Issue(
                code="source-map",
                place=f"{origin}: format",
                text_de=f"dieses Format gibt es nicht; bekannt: {listed}",
                text_en=f"there is no such format; known: {listed}",
            )
        )
    try:
        registry.check(source_map.format, source_map.options, source_map.names)
    except Rejected as error:
        raise Rejected(*(replace(issue, place=f"{origin}: {issue.place}") for issue in error.issues)) from error


def _tables(folder: Path) -> tuple[dict[str, Table], dict[str, tuple[Issue, ...]]]:
    tables: dict[str, Table] = {}
    wrong: dict[str, tuple[Issue, ...]] = {}
    for path in sorted(folder.glob("*.json")):
        file = f"{TERMINOLOGY}/{path.name}"
        try:
            tables[path.stem] = table = read_table(_content(path), name=path.stem, file=file)
        except Rejected as error:
            wrong[file] = error.issues
        else:
            if table.undecided:
                wrong[file] = (_undecided(file, table.undecided),)
    return tables, wrong


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Rejected(
            Issue(
                code="source-map",
                place=path.name,
                text_de="die Datei ist nicht lesbar; Pfad und Rechte prüfen",
                text_en="the file cannot be read; check its path and permissions",
            )
        ) from error


def _undecided(file: str, codes: tuple[str, ...]) -> Issue:
    listed = ", ".join(codes)
    return Issue(
        code="concept-map",
        place=file,
        text_de=f"ohne Ziel (target), also unbekannt: {listed}; wer die Tabelle pflegt, trägt es ein",
        text_en=f"without a target, and so unknown: {listed}; whoever keeps the table adds it",
        severity="warning",
    )


def _named_twice(origin: str, name: str) -> Issue:
    return Issue(
        code="source-map",
        place=f"{origin}: source",
        text_de=f"die Quelle {name} steht schon in einer anderen Datei; eine von beiden umbenennen",
        text_en=f"the source {name} stands in another file already; rename one of the two",
    )
