"""POST /ingest/{source} is answered in the sender's words: OperationOutcome, ACK, or our receipt."""

import json
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from adapters.receipt import Receipt
from conformance.formats import fhir_xml, r4, strict_json
from hub.hub import Hub
from hub.reply import wanted_words
from mappings.errors import Issue, Retriable
from tests.hub.client import Client
from tests.hub.deliveries import adt, csv_long, long_row

GOLDEN = Path(__file__).parents[1] / "golden/fhir_bundle"
ALONE = (GOLDEN / "service-with-all-it-needs/in.json").read_bytes()
BATCH = (GOLDEN / "batch-with-bad-slots/in.json").read_bytes()
JSON, XML, ER7 = "application/fhir+json", "application/fhir+xml", "x-application/hl7-v2+er7"


def sent(hub: Hub, source: str, body: bytes, *, words: str = "", accept: str = "*/*", **more: str) -> httpx.Response:
    headers = {"Accept": accept, **({"Content-Type": words} if words else {}), **more}
    return Client(hub, sandbox=True).request("POST", f"/ingest/{source}", content=body, headers=headers)


def outcome(response: httpx.Response) -> list[dict[str, Any]]:
    """The issues of an OperationOutcome that R4 finds nothing wrong with."""
    told = (
        orjson.loads(response.content) if JSON in response.headers["content-type"] else fhir_xml.parse(response.content)
    )
    assert [one for one in r4.findings(told) if one.severity != "warning"] == []
    assert told["resourceType"] == "OperationOutcome"
    issues: list[dict[str, Any]] = told["issue"]
    return issues


def codes(issues: list[dict[str, Any]]) -> list[str]:
    return [coding["code"] for issue in issues for coding in issue["details"].get("coding", ())]


def test_who_sends_fhir_is_answered_with_an_operation_outcome(hub: Hub) -> None:
    response = sent(hub, "fhir", BATCH, words=JSON)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith(JSON)
    *found, summary = outcome(response)
    slot = next(issue for issue in found if issue["details"]["coding"][0]["code"] == "fhir-code")
    assert slot["expression"] == ["Bundle.entry[7].resource.status"]
    assert (slot["severity"], slot["code"]) == ("error", "code-invalid")
    assert slot["details"]["coding"][0]["system"] == "https://platzfrei.org/fhir/CodeSystem/ingest-issue"
    german = slot["details"]["_text"]["extension"][0]["extension"]
    assert german[0] == {"url": "lang", "valueCode": "de"}
    assert "Absender" in german[1]["valueString"]
    assert (summary["severity"], summary["code"]) == ("information", "informational")
    assert "1 taken, 0 no offer, 2 set aside" in summary["details"]["text"]
    assert "Offers: 1 applied" in summary["details"]["text"]
    assert "Send again: once corrected" in summary["details"]["text"]


def test_who_sends_fhir_xml_is_answered_in_xml(hub: Hub) -> None:
    response = sent(hub, "fhir", fhir_xml.write(strict_json.parse(ALONE)), words=f"{XML}; charset=utf-8")
    assert response.headers["content-type"].startswith(XML)
    (summary,) = outcome(response)
    assert "1 taken" in summary["diagnostics"]
    assert Client(hub).json("/fhir/HealthcareService")["total"] == 1


@pytest.mark.parametrize("accept", [XML, "application/xml", f"{XML};q=1, text/plain;q=0.1"])
def test_whoever_asks_for_xml_gets_it(hub: Hub, accept: str) -> None:
    body = csv_long(long_row("a"), long_row("b", free="viele"))
    *found, summary = outcome(sent(hub, "csv-long", body, accept=accept))
    (wrong,) = (issue for issue in found if issue["severity"] == "error")
    assert wrong["details"]["coding"][0]["code"] == "unreadable"
    # A line is no FHIRPath.
    assert "expression" not in wrong
    assert wrong["diagnostics"].startswith("line 3, column Frei: ")
    assert "1 taken, 0 no offer, 1 set aside" in summary["details"]["text"]


@pytest.mark.parametrize(
    ("words", "accept"), [("", "*/*"), (JSON, "application/json"), (JSON, "application/json, */*"), ("text/csv", "")]
)
def test_all_others_get_the_receipt(hub: Hub, words: str, accept: str) -> None:
    response = sent(hub, "csv-long", csv_long(long_row("a")), words=words, accept=accept)
    assert response.headers["content-type"] == "application/json"
    assert response.json()["records"]["taken"] == 1


def test_a_rejected_delivery_keeps_its_status(hub: Hub) -> None:
    response = sent(hub, "fhir", b'{"resourceType": "Slot"}', words=JSON)
    assert response.status_code == 422
    wrong, summary = outcome(response)
    assert wrong["expression"] == ["Slot.schedule"]
    assert codes([wrong]) == ["fhir-incomplete"]
    assert "1 rejected" in summary["details"]["text"]


def test_what_the_hub_itself_refuses_says_whether_sending_again_helps(hub: Hub) -> None:
    response = sent(hub, "csv-long", b"x", accept=XML, **{"Idempotency-Key": "x" * 201})
    assert response.status_code == 400
    wrong, advice = outcome(response)
    assert codes([wrong]) == ["message-id"]
    assert advice["details"]["text"].startswith("Send again: once corrected")


def test_an_answer_that_nobody_can_write_is_refused(hub: Hub) -> None:
    assert sent(hub, "csv-long", b"x", accept="image/png").status_code == 406


@pytest.mark.parametrize("path", ["/ingest/csv-long/status", "/ingest/csv-long/deliveries/1"])
def test_what_is_asked_of_a_source_is_json_whatever_is_asked_for(hub: Hub, path: str) -> None:
    sent(hub, "csv-long", csv_long(long_row("a")))
    response = Client(hub, sandbox=True).get(path, headers={"Accept": XML})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert json.loads(response.content)["source"] == "csv-long"


def lines(response: httpx.Response) -> list[str]:
    return response.content.decode().split("\r")


def message(number: int = 1, event: str = "A20", segment: str = "NPU|UEP1^201^1|U", **changed: str) -> bytes:
    text = adt(event, number, segment)
    for old, new in changed.items():
        text = text.replace({"kind": "ADT^A20", "processing": "|P|2.5", "mode": "2.5|||||"}[old], new)
    return text.encode()


@pytest.mark.parametrize(
    ("words", "accept", "told"),
    [
        (ER7, "*/*", ER7),
        ("application/hl7-v2; charset=utf-8", "", "application/hl7-v2"),
        ("text/plain", ER7, ER7),
        ("", "application/hl7-v2, */*;q=0.1", "application/hl7-v2"),
    ],
)
def test_who_sends_hl7_is_answered_by_an_ack(hub: Hub, words: str, accept: str, told: str) -> None:
    response = sent(hub, "kis-adt", message(), words=words, accept=accept)
    assert response.status_code == 200
    assert response.headers["content-type"] == f"{told}; charset=utf-8"
    head, acknowledged, *_ = lines(response)
    assert head.startswith("MSH|^~\\&|||KIS|KH-HEIDESEE|")
    assert acknowledged == "MSA|AA|M1"


def test_the_same_message_gets_the_same_ack_and_another_under_its_id_is_refused(hub: Hub) -> None:
    for body, code in ((message(), "AA"), (message(), "AA"), (message(segment="NPU|UEP1^201^1|O"), "AE")):
        response = sent(hub, "kis-adt", body, words=ER7)
        assert (response.status_code, lines(response)[1].split("|")[1]) == (200, code)
    assert "message-id-reused" in lines(response)[2]
    with hub.database.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM delivery").scalar_one() == 1


@pytest.mark.parametrize(
    ("body", "code", "ours"),
    [
        (message(segment="NPU|UEP1^999^1|U"), "AE", "bed-not-declared"),
        (message(kind="ORU^R01"), "AR", "hl7-message-type"),
        (message(processing="|T|2.5"), "AR", "hl7-processing-id"),
        (message() + b"\r" + message(2), "AR", "hl7-second-message"),
        (b"no message", "AR", "hl7-no-header"),
    ],
)
def test_what_is_wrong_with_a_message_is_an_ack_too_with_status_200(
    hub: Hub, body: bytes, code: str, ours: str
) -> None:
    response = sent(hub, "kis-adt", body, words=ER7)
    assert response.status_code == 200
    assert lines(response)[1].startswith(f"MSA|{code}|")
    assert f"|{ours}^" in lines(response)[2]


def test_where_both_acknowledgements_are_asked_for_the_second_says_it_all(hub: Hub) -> None:
    response = sent(hub, "kis-adt", message(mode="2.5|||AL|AL|"), words=ER7)
    assert [line for line in lines(response) if line.startswith("MSA")] == ["MSA|AA|M1"]
    never = sent(hub, "kis-adt", message(2, mode="2.5|||NE|NE|"), words=ER7)
    assert (never.status_code, never.content) == (204, b"")


def test_an_acknowledgement_is_not_acknowledged(hub: Hub) -> None:
    assert sent(hub, "kis-adt", b"MSH|^~\\&|A|B|||1||ACK|1|P|2.5\rMSA|AA|1\r", words=ER7).status_code == 204


def test_who_sends_hl7_and_asks_for_json_gets_the_receipt(hub: Hub) -> None:
    response = sent(hub, "kis-adt", message(), words=ER7, accept="application/json")
    assert response.json()["resend"]["how"] == "unneeded"


@pytest.mark.parametrize(("words", "accept"), [(ER7, "*/*"), (JSON, "*/*"), ("", "*/*")])
def test_what_cannot_be_kept_now_is_to_come_again(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, words: str, accept: str
) -> None:
    def later(*_: object, **__: object) -> Receipt:
        busy = Issue(code="not-finished", text_de="später", text_en="later", fhir_code="transient")
        raise Retriable(busy)

    monkeypatch.setattr(hub.pipeline, "submit", later)
    response = sent(hub, "kis-adt", message(), words=words, accept=accept)
    assert response.status_code == 503
    assert response.headers["retry-after"]
    told, advice = outcome(response)
    assert codes([told]) == ["not-finished"]
    assert "the same delivery again" in advice["details"]["text"]


def test_the_codes_are_served(hub: Hub) -> None:
    asked = "/fhir/CodeSystem/$lookup?system=https://platzfrei.org/fhir/CodeSystem/ingest-issue&code=fhir-incomplete"
    parameters = Client(hub).json(asked)["parameter"]
    values = [part.get("valueString") for one in parameters for part in one.get("part", ())]
    assert "corrected" in values


def test_without_its_token_an_hl7_sender_is_refused_by_http(hub: Hub) -> None:
    response = Client(hub).request("POST", "/ingest/kis-adt", content=message(), headers={"Content-Type": ER7})
    assert response.status_code == 401


@pytest.mark.parametrize(
    ("accept", "content_type", "parameter", "outcome", "acknowledgement"),
    [
        ("", "", None, False, False),
        ("*/*", "application/fhir+json;charset=utf-8", None, True, False),
        ("application/*", "Application/FHIR+XML", None, True, False),
        ("text/html", JSON, None, False, False),
        (JSON, "text/csv", None, True, False),
        ("*/*", ER7, None, False, True),
        (JSON, ER7, None, True, False),
        ("*/*", "text/csv", "application/fhir+json", True, False),
        ("*/*", "text/csv", "xml", True, False),
        (ER7, "text/csv", "json", False, False),
    ],
)
def test_in_whose_words(
    accept: str, content_type: str, parameter: str | None, outcome: bool, acknowledgement: bool
) -> None:
    if accept == ER7 and parameter:
        accept = f"{ER7}, */*"
    words = wanted_words(accept, content_type, parameter)
    assert (words.is_outcome, words.is_acknowledgement) == (outcome, acknowledgement)
