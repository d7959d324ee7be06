"""The published list of what can be wrong with a delivery: CodeSystem ingest-issue has every code, and says of each
whether sending again helps."""

import ast
from pathlib import Path

from adapters import r4
from conformance import spec
from conformance.formats import hl7v2
from tests.adapters.test_malformed import CASES
from tests.issue_codes import codes_in

ROOT = Path(__file__).parents[2]
PUBLISHED = {
    concept["code"]: concept["property"][0]["valueString"]
    for system in spec.load("CodeSystem")
    if system["id"] == "ingest-issue"
    for concept in system["concept"]
}
ELSEWHERE = (
    # What compares facilities, checks maps and feeds, fetches, searches, or decides on identity, is of no delivery.
    "mappings/likeness.py",
    "mappings/rehearsal.py",
    "mappings/search_place.py",
    "adapters/feed.py",
    "adapters/gate.py",
    "adapters/http_get.py",
    "adapters/transport/drop_folder.py",
    "adapters/transport/fhir_poll.py",
    "adapters/transport/http_poll.py",
    "adapters/transport/sftp_poll.py",
    "hub/ingest/identity_refusals.py",
)
MODULES = [
    path
    for root in ("adapters", "mappings", "hub/ingest")
    for path in sorted((ROOT / root).rglob("*.py"))
    if path.relative_to(ROOT).as_posix() not in ELSEWHERE
] + [
    ROOT / f"hub/{name}.py"
    for name in ("body", "fhir/cross_origin", "fhir/endpoint", "listening", "multipart", "receiving", "sources")
]
OF_THE_OPERATOR = {"not-held", "port-taken"}
"""What a command answers its operator, and no sender ever sees."""


def used() -> set[str]:
    found = {code for path in MODULES for code in codes_in(path)} | {case.code for _, case in CASES}
    found |= {f"hl7-{flaw}" for flaw in hl7v2.Flaw}
    return found | set(r4.CODES.values())


def test_every_code_that_a_delivery_can_be_answered_with_is_published() -> None:
    assert sorted(used() - OF_THE_OPERATOR - PUBLISHED.keys()) == []


def test_no_code_is_published_that_nothing_says() -> None:
    assert sorted(PUBLISHED.keys() - used()) == []


def test_every_rule_for_one_resource_has_its_code() -> None:
    tree = ast.parse((ROOT / "conformance/formats/r4_finding.py").read_bytes())
    calls = ({one.arg: one.value for one in call.keywords} for call in ast.walk(tree) if isinstance(call, ast.Call))
    said = [[getattr(given.get(name), "value", None) for name in ("key", "code")] for given in calls]
    rules = {key for key, code in said if isinstance(key, str) and code not in r4.UNASKED}
    assert {"required", "target", "too-many"} <= rules
    # What is contained is not checked, and a Bundle not as a resource.
    assert rules <= r4.CODES.keys()


def test_a_code_in_the_program_is_found(tmp_path: Path) -> None:
    module = tmp_path / "planted.py"
    module.write_text(
        'K = "by-name"\n'
        "def made(place, code): ...\n"
        'Issue(code="by-keyword")\nIssue(code=K)\nmade("x", "by-position")\n'
        'Issue(code="this" if x else "or-that", fhir_code="value")\n'
    )
    assert codes_in(module) == {"by-keyword", "by-name", "by-position", "this", "or-that"}


def test_of_every_code_it_is_said_whether_sending_again_helps() -> None:
    assert set(PUBLISHED.values()) == {"corrected", "again", "no", "unneeded"}
    assert [PUBLISHED[code] for code in ("missing", "not-finished", "drift", "no-place")] == [
        "corrected",
        "again",
        "no",
        "unneeded",
    ]
