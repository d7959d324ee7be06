"""The READMEs say what is there: commands, options, settings, sources and formats are named, links lead somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from adapters import registry, transports
from hub import cli, receiving
from mappings.language import shipped

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
READMES = [ROOT / "README.md", *sorted(ROOT.glob("[a-z]*/README.md"))]


def commands_of_readme() -> list[str]:
    return [block.strip() for block in re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)]


def test_ci_runs_the_test_command_and_nothing_else() -> None:
    lines = (ROOT / ".ci/run").read_text("utf-8").splitlines()
    done = [line for line in lines if line and not line.startswith(("#", "set ", "cd "))]
    assert done == [commands_of_readme()[1]]


def test_the_first_command_runs_the_main_job() -> None:
    first, second = commands_of_readme()[:2]
    assert first.endswith(".venv/bin/platzfrei demo")
    assert first.removesuffix("platzfrei demo") == second.removesuffix("pytest -q -n 2")


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_and_option_is_in_the_readme(name: str) -> None:
    assert f"`platzfrei {name}" in README
    told = subprocess.run(
        [sys.executable, "-m", "hub.cli", name, "--help"], capture_output=True, text=True, check=True
    ).stdout
    for option in set(re.findall(r"--[a-z-]+", told)) - {"--help"}:
        assert option in README, option


def test_every_setting_is_in_the_readme() -> None:
    code = "".join(path.read_text("utf-8") for folder in ("hub", "tests") for path in (ROOT / folder).rglob("*.py"))
    for name in set(re.findall(r'"(PLATZFREI_[A-Z_]+)"', code)):
        assert f"`{name}`" in README, name


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", path.read_text("utf-8")):
        assert (path.parent / target).exists(), target


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_files_named_in_backticks_exist(path: Path) -> None:
    for name in re.findall(
        r"`((?:conformance|mappings|adapters|hub|tests|benchmarks)/[\w./-]+)`", path.read_text("utf-8")
    ):
        assert (ROOT / name).exists(), name


def test_every_source_and_format_is_named() -> None:
    mappings, adapters = ((ROOT / one / "README.md").read_text("utf-8") for one in ("mappings", "adapters"))
    assert [name for name in shipped() if f"`{name}`" not in mappings] == []
    assert [name for name in registry.formats() if f"`{name}`" not in adapters] == []
    assert [name for name in transports.names() if f"`{name}`" not in adapters] == []


def nginx_passes(path: str) -> bool:
    (pattern,) = re.findall(r"^location ~ (\S+) \{$", README, flags=re.MULTILINE)
    return re.search(pattern, path) is not None


def caddy_passes(path: str) -> bool:
    (listed,) = re.findall(r"^@platzfrei path (.+)$", README, flags=re.MULTILINE)
    return any(path.startswith(one[:-1]) if one.endswith("*") else path == one for one in listed.split())


PASSED = (
    "/fhir",
    "/fhir/",
    "/fhir/metadata",
    "/fhir/HealthcareService/$find-vacancies",
    "/ingest/json",
    "/ingest/json/deliveries/7",
    "/export/csv",
    "/reports/region.csv",
    "/schemas/places.json",
    "/m/AbC_-9",
    "/docs",
    "/docs/x.js",
    "/openapi.json",
    "/health/live",
    "/.well-known/jwks.json",
)
KEPT = (
    "/",
    "/metrics",
    "/monitor",
    "/m",
    "/docsx",
    "/fhirx",
    "/ingestion/json",
    "/exports/csv",
    "/reportsx/region.csv",
    "/openapiXjson",
    "/openapi.json.bak",
    "/health/ready",
    "/health/lively",
    "/.well-known/jwksXjson",
    "/.well-known/acme-challenge/x",
    "/identity/proposals",
    "/phantoms/found",
    "/x/fhir/metadata",
)


@pytest.mark.parametrize("path", [*PASSED, *KEPT])
def test_both_proxies_of_the_readme_pass_what_is_for_everybody_and_nothing_else(path: str) -> None:
    assert nginx_passes(path) is caddy_passes(path) is (path in PASSED)


def test_a_proxy_passes_as_large_a_delivery_as_the_server_takes() -> None:
    (most,) = re.findall(r"client_max_body_size (\d+)m;", README)
    assert int(most) * 1024 * 1024 == receiving._BYTES_MAX
