"""The wheel holds the four packages with their data, and the contract loads without the server."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[1]
HEAVY = ("fastapi", "sqlalchemy", "apscheduler", "pydantic", "alembic", "orjson", "yaml")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    (built,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path_factory.mktemp("wheel")), versions=["standard"])
    return Path(built)


def test_the_wheel_holds_code_and_data_and_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in (
        "hub/cli.py",
        "hub/store/migrations/versions/0001_the_first_schema.py",
        "hub/store/migrations/script.py.mako",
        "mappings/gazetteer.csv",
        "mappings/place-names.csv",
        "mappings/recipient-postal-codes.csv",
        "mappings/regions.csv",
        "mappings/sources/json.yaml",
        "mappings/terminology/csv-angebot.json",
        "conformance/spec/SearchParameter-Schedule-vacancy-state.json",
        "conformance/spec/r4/search-parameters.json",
    ):
        assert wanted in names
    assert {name.split("/")[0] for name in names if not name.startswith("platzfrei-")} == {
        "adapters",
        "conformance",
        "hub",
        "mappings",
    }


def test_the_contract_loads_without_the_server(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = (
        "import sys; import hub.cli; from conformance import spec; "
        "from conformance.formats import fhir_xml, fhirpath, hl7v2, r4, safe_xml, strict_json; "
        f"assert spec.load('SearchParameter'); print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
