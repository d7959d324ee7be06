"""Whether sending a delivery again helps: said by every receipt, in the words of whoever reads it."""

import pytest

from adapters.receipt import Receipt
from adapters.reply.operation_outcome import outcome_of_errors, outcome_of_receipt
from adapters.resend import of_code
from hub.commands.receipt_text import render
from mappings.errors import Issue
from mappings.terminology import Language


def issue(code: str, severity: str = "error") -> Issue:
    return Issue(code=code, text_de="so nicht", text_en="not so", place="line 3", severity=severity)  # type: ignore[arg-type]


def receipt(*codes: str, set_aside: int = 0, rejected: int = 0, held: bool = False) -> Receipt:
    made = Receipt(source="x", records=2, taken=1, set_aside=set_aside, rejected=rejected)
    made.note(*map(issue, codes), issue("no-place", "warning"))
    if held:
        made.hold()
    return made


CASES = [
    (receipt(), "unneeded"),
    (receipt("missing", set_aside=1), "corrected"),
    (receipt("not-json", rejected=1), "corrected"),
    # What the sender can do goes before what others can.
    (receipt("missing", "bed-not-declared", set_aside=2), "corrected"),
    (receipt("bed-not-declared", "page-missing", set_aside=2), "no"),
    (receipt("page-missing", rejected=1), "again"),
    (receipt("quarantined", rejected=1), "no"),
    (receipt("drift", held=True), "no"),
    (receipt("no-code-of-ours", set_aside=1), "corrected"),
]


@pytest.mark.parametrize(("told", "how"), CASES, ids=range(len(CASES)))
def test_every_receipt_says_whether_sending_again_helps(told: Receipt, how: str) -> None:
    resend = told.to_json()["resend"]
    assert (resend["how"], resend["helps"]) == (how, how == "again")
    assert resend["text"].keys() == {"de", "en"}
    spoken: tuple[tuple[Language, str], ...] = (("de", "neu senden"), ("en", "send again"))
    for language, said in spoken:
        assert render(told, "a.csv", language).endswith(f"{said}: {resend['text'][language]}")
    summary = outcome_of_receipt(told)["issue"][-1]["details"]
    assert summary["text"].endswith(f"Send again: {resend['text']['en']}")
    german = summary["_text"]["extension"][0]["extension"][1]["valueString"]
    assert german.endswith(f"Neu senden: {resend['text']['de']}")


def test_the_same_message_again_is_told_the_same() -> None:
    for told, _ in CASES:
        again = Receipt.from_json(told.to_json())
        again.duplicate = True
        assert again.to_json() == {**told.to_json(), "duplicate": True}


def test_what_may_pass_is_sent_again_as_it_is() -> None:
    *_, advice = outcome_of_errors([issue("not-finished")])["issue"]
    assert advice["details"]["text"] == "Send again: yes, the same delivery again in some minutes"
    assert of_code("database-unavailable") == "again"


def test_a_place_is_an_expression_only_where_it_is_fhirpath() -> None:
    places = {
        "Bundle.entry[3].resource.status": True,
        "HealthcareService": True,
        "http.`Idempotency-Key`": True,
        "line 12, column Frei": False,
        "message 1, PV1-3.3": False,
        "": False,
    }
    for place, is_path in places.items():
        (told,) = outcome_of_errors([Issue(code="x", text_de="a", text_en="b", place=place)])["issue"][:-1]
        assert told.get("expression") == ([place] if is_path else None)
        assert told["diagnostics"] == ("b" if is_path or not place else f"{place}: b")


def test_findings_beyond_what_is_shown_are_counted() -> None:
    told = receipt(*["missing"] * 500, set_aside=500)
    *found, summary = outcome_of_receipt(told)["issue"]
    assert len(found) == 200
    assert "More findings: 301" in summary["details"]["text"]
