"""Writes a demo region as the files that its providers' systems would write, one folder a source."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hub.demo.adt import adt_files
from hub.demo.county_register import register_files
from hub.demo.csv_tables import long_files, wide_files
from hub.demo.fhir_bundles import bundle_files
from hub.demo.files import File
from hub.demo.json_files import facility_files, help_files
from hub.demo.kis_map import kis_map
from hub.demo.region import Region

__all__ = ["Export", "write"]

_WRITERS: Mapping[str, Callable[[Region], Iterator[File]]] = {
    "csv-long": long_files,
    "csv-wide": wide_files,
    "fhir": bundle_files,
    "hilfe-verzeichnis": help_files,
    "json": facility_files,
    "kis-demo": adt_files,
    "landkreis-lup": register_files,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A file written, the source that takes it in, and how many records it holds."""

    path: Path
    source: str
    records: int


def write(region: Region, folder: Path) -> list[Export]:
    """Writes all files of a region, and beside the folder, in `sources/`, the source map of its clinics.

    What stood in the folder under the same names is overwritten.
    """
    exports: list[Export] = []
    for source, files in _WRITERS.items():
        for file in files(region):
            path = folder / source / file.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.body)
            exports.append(Export(path=path, source=source, records=file.records))
    if any(provider.stations for provider in region.providers):
        sources = folder.parent / "sources"
        sources.mkdir(parents=True, exist_ok=True)
        (sources / "kis-demo.yaml").write_bytes(kis_map(region))
    return exports
