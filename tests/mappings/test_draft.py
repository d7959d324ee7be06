"""A drafted map: how many columns of foreign exports it gets right, and that it loads and reads as it stands."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache

import pytest

from adapters import registry
from adapters.sketch import Sketch, sketch
from hub.own_maps import check_format
from hub.trial import Trial
from mappings import terminology
from mappings.draft import Level, Proposal, propose
from mappings.draft_text import concept_map, render, table_name
from mappings.errors import Rejected
from mappings.language import load
from mappings.place_counts import uncounted
from mappings.source_map import SourceMap
from mappings.terminology import Table, read_table
from mappings.trace import candidates, spellings
from tests.vendor_exports import Export, exports, unseen

FORMATS = {"csv": "csv_records", "json": "json_records", "xlsx": "xlsx_records", "xml": "xml_records"}
ALL = [one for one in exports() if FORMATS[one.suffix] in registry.formats()]
UNSEEN = unseen()
BY_NAME = {one.name: one for one in (*ALL, *UNSEEN)}
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def sketched(export: Export) -> Sketch:
    return _understood(export.name)[0]


def proposed(export: Export) -> Proposal:
    return _understood(export.name)[1]


@cache
def _understood(name: str) -> tuple[Sketch, Proposal]:
    found = sketch(BY_NAME[name].body)
    assert found is not None
    return found, propose(found.records)


def guessed(level: Level, way: str = "") -> Iterator[tuple[str, str, bool]]:
    """Column, place, whether it is marked as sure."""
    for guess in level.guesses:
        yield way + guess.column, guess.target, guess.is_sure
    for code, guesses in level.literals:
        yield from ((guess.column, f"{code} {guess.target}", guess.is_sure) for guess in guesses)
    for inner in (level.offers, level.blocks):
        if inner is not None:
            yield from guessed(inner, f"{way}{inner.each}.")


def text(proposal: Proposal, found: Sketch, *, own_tables: bool = False) -> str:
    return render(
        proposal,
        name="draft",
        format=found.format,
        options=found.options,
        columns=found.columns,
        notes=found.notes,
        language="en",
        own_tables=own_tables,
    )


def drafted(export: Export, *, own: bool = False) -> SourceMap:
    found, proposal = sketched(export), proposed(export)
    tables: dict[str, Table] = {}
    for codes in proposal.codes if own else ():
        name = table_name(codes, "draft")
        content = json.dumps(concept_map(codes, "draft")).encode()
        tables[name] = read_table(content, name=name, file=f"terminology/{name}.json")
    made = load(text(proposal, found, own_tables=own).encode(), origin="draft", tables=tables)
    check_format(made, "draft")
    return made


def test_nearly_all_columns_are_right_and_what_is_called_sure_is() -> None:
    """The figures of mappings/README.md."""
    assert len(ALL) >= 16
    right, whole, sure, wrong_though_sure = measured(ALL)
    assert right >= 0.97 * whole, (right, whole)
    assert sure >= 0.8 * whole
    assert wrong_though_sure == 0
    right, whole, _, wrong_though_sure = measured(UNSEEN)
    assert (right, whole, wrong_though_sure) == (42, 46, 0)


def measured(of: list[Export]) -> tuple[int, int, int, int]:
    """Columns that are right, all, those marked as sure, those of them that are wrong."""
    right = wrong_though_sure = sure = whole = 0
    for export in of:
        places: dict[str, tuple[str, bool]] = {}
        for column, place, is_sure in guessed(proposed(export).root):
            places.setdefault(column, (place, is_sure))
        for column, place in export.truth.items():
            found, is_sure = places.get(column, ("", False))
            whole += 1
            right += found == place
            sure += is_sure
            wrong_though_sure += is_sure and found != place
    return right, whole, sure, wrong_though_sure


@pytest.mark.parametrize("name", BY_NAME)
def test_a_draft_loads_and_reads_its_sample(name: str) -> None:
    made = drafted(BY_NAME[name])
    trial = Trial(source_map=made, body=BY_NAME[name].body, at=NOW)
    assert len(list(trial.records())) > 40
    if name != "unknown-words":  # a third of its rows has a word that no table knows
        assert trial.taken + trial.left_out.total() >= 0.95 * (trial.taken + trial.set_aside)
    assert trial.reports > 0


def test_every_column_is_read_or_listed() -> None:
    for export in ALL:
        proposal = proposed(export)
        read = {column for column, _, _ in guessed(proposal.root)}
        listed = {column for column, _, _ in proposal.unread}
        assert set(export.truth) <= read | listed, export.name


def test_what_may_tell_of_people_is_never_proposed() -> None:
    proposal = proposed(BY_NAME["residents-in-it"])
    unread = {column: english for column, _, english in proposal.unread}
    for column in ("letzter Auszug Bewohner", "Geburtsdatum", "Heimleitung"):
        assert unread[column] == "may tell of people"


def test_unknown_words_become_a_table_without_targets() -> None:
    export = BY_NAME["unknown-words"]
    proposal = proposed(export)
    (codes,) = proposal.codes
    assert (codes.column, codes.table, set(codes.unknown)) == ("Produkt", "csv-angebot", {"Tagesgäste"})
    written = text(proposal, sketched(export))
    assert "#   Tagesgäste" in written
    assert "perhaps tagespflege" in written
    tree = concept_map(codes, "draft")
    assert tree["group"][0]["element"][0] == {"code": "Tagesgäste"}
    table = read_table(json.dumps(tree).encode(), name="t", file="t.json")
    assert table.undecided == ("Tagesgäste",)
    assert table.translate("KZP").codes == ("kurzzeitpflege",)
    trial = Trial(source_map=drafted(export, own=True), body=export.body, at=NOW)
    records = list(trial.records())
    assert trial.set_aside == codes.unknown["Tagesgäste"]
    assert {issue.code for one in records for issue in one.issues if issue.severity == "error"} == {"unknown-code"}


def test_what_is_unsure_says_so() -> None:
    export = BY_NAME["nothing-is-named"]
    written = text(proposed(export), sketched(export))
    assert "facility.postal_code: Feld3  # CHECK: by its values alone" in written
    assert "CHECK: no key was found" in written


WIDE = {
    "german": (
        (
            "Haus-Nr;Haus;PLZ;Ort;Pflegeplätze gesamt;Pflegeplätze frei;KZP frei;Beatmungsplätze frei;Tagesgäste frei\n"
            "1;Haus am Moor;49661;Cloppenburg;60;3;2;1;0\n2;Lindenhof;49377;Vechta;80;1;0;0;4\n"
        ),
        {
            "Pflegeplätze gesamt": "dauerpflege counts.licensed",
            "Pflegeplätze frei": "dauerpflege counts.accepting",
            "KZP frei": "kurzzeitpflege counts.accepting",
            "Beatmungsplätze frei": "intensivpflege counts.accepting",
            "Tagesgäste frei": "tagespflege counts.accepting",
        },
    ),
    "english": (
        (
            "ID,Home name,Post code,City,Nursing beds total,Nursing beds free,Respite beds free,Night care vacancies\n"
            "1,Haus am Moor,49661,Cloppenburg,60,3,2,0\n2,Lindenhof,49377,Vechta,80,1,0,1\n"
        ),
        {
            "Nursing beds total": "dauerpflege counts.licensed",
            "Nursing beds free": "dauerpflege counts.accepting",
            "Respite beds free": "kurzzeitpflege counts.accepting",
            "Night care vacancies": "nachtpflege counts.accepting",
        },
    ),
}


@pytest.mark.parametrize("name", WIDE)
def test_what_people_call_care_forms_is_understood_in_wide_tables(name: str) -> None:
    body, truth = WIDE[name]
    found = sketch(body.encode())
    assert found is not None
    proposal = propose(found.records)
    places = {column: place for column, place, _ in guessed(proposal.root)}
    assert {column: places.get(column) for column in truth} == truth
    assert proposal.uncounted == ()


def test_a_table_that_says_the_care_form_is_not_wide() -> None:
    found = sketch("Nr;Haus;Bereich;Pflegeplätze;freie Pflegeplätze\n1;Moor;KZP;8;2\n1;Moor;TP;16;1\n".encode())
    assert found is not None
    root = propose(found.records).root
    assert root.literals == []
    assert {"counts.licensed", "counts.accepting"} <= {guess.target for guess in root.guesses}


def test_places_in_no_rule_are_named() -> None:
    found = sketch(
        "Nr;Haus;Ort;KZP gesamt;KZP frei;Verhinderungspflege frei;Gartenhaus;Seniorenflügel frei;Etagen;frei ab\n"
        "1;Moor;Vechta;8;2;1;3;;ja;01.12.2026\n2;Linde;Vechta;8;1;0;0;;nein;\n".encode()
    )
    assert found is not None
    proposal = propose(found.records)
    assert proposal.uncounted == ("Verhinderungspflege frei", "Gartenhaus", "Seniorenflügel frei")
    written = text(proposal, found)
    assert "# CHECK: seems to count places and is in no rule" in written
    assert written.index("CHECK: seems") < written.index("#   Gartenhaus")


def test_a_running_number_and_a_flag_count_no_places() -> None:
    unread = {"Lfd.": ["1", "2", "4"], "Balkon": ["0", "1", "1"], "Haus 7": ["5", "3", "5"], "Bewohner": ["57", "60"]}
    assert uncounted(unread, ["KZP frei"]) == ("Haus 7",)
    assert uncounted(unread, ["Name"]) == ()


@pytest.mark.parametrize(
    ("word", "codes"),
    [
        ("Gastpflege", ["kurzzeitpflege"]),
        ("Urlaubspflege", ["kurzzeitpflege"]),
        ("Respite stay", ["kurzzeitpflege"]),
        ("Heimplatz", ["dauerpflege"]),
        ("Nursing home place", ["dauerpflege"]),
        ("Tagesgäste", ["tagespflege"]),
        ("Kurzeitpflege", ["kurzzeitpflege"]),
        ("Home nursing", ["ambulante-pflege"]),
        ("Sonderbereich X", []),
        ("Wellness", []),
    ],
)
def test_only_likely_care_forms_are_proposed_for_a_code(word: str, codes: list[str]) -> None:
    known = spellings(terminology.codes("care-form"), terminology.table("csv-angebot"))
    assert list(candidates(word, known)) == codes


def test_a_proposal_for_a_code_is_a_word_that_is_like_it() -> None:
    known = {"Tagespflege": "tagespflege", "Nachtpflege": "nachtpflege", "KZP": "kurzzeitpflege"}
    assert candidates("Tages-Pflege (Gäste)", known)[0] == "tagespflege"
    assert candidates("xyz", known) == ()


@pytest.mark.parametrize(
    "body",
    [b"", b"\x89PNG\r\n\x1a\n\0\0", b"just words\nand more\n", b"{}", b"[1, 2]", b'{"a": {"b": 1}}', b"PK\x03\x04rest"],
)
def test_what_is_no_table_has_no_sketch(body: bytes) -> None:
    assert sketch(body) is None


def test_lines_above_the_header_and_columns_that_stand_twice_are_told() -> None:
    found = sketch(b"Belegung vom 22.11.2026\r\nNr;Name;Frei;Frei\r\n1;Haus am Moor;2;3\r\n")
    assert found is not None
    assert [english.split(" ")[0] for _, english in found.notes] == ["1", "columns"]
    assert found.columns == ("Nr", "Name", "Frei")


HOMES_HEADINGS = (
    *("Nr;Haus;PLZ;Ort;Angebot;Plätze;frei;Stand;", "Telefonzeiten;Aufnahmetage;Aufnahme bis;KIM-Adresse;"),
    *("Eigenanteil;Eigenanteil Stand;Kostenträger\n", "101;Haus am Moor;49661;Cloppenburg;Dauerpflege;60;1;"),
    *("22.11.2026 08:00;Mo-Fr 8-16 Uhr;Mo-Do;15:00;", "auf@a.kim.telematik;2.845,50 €;01.10.2026;Pflegekasse\n"),
    *("102;Lindenhof;49377;Vechta;Tagespflege;16;3;", "22.11.2026 08:15;täglich 8-18 Uhr;Mo, Mi;14:00;"),
    *("auf@b.kim.telematik;32,50 € am Tag;01.01.2026;Pflegekasse, Sozialamt\n", "103;Haus Abendrot;49413;Dinklage;"),
    *("Kurzzeitpflege;12;0;22.11.2026 07:15;Mo-Fr 9-12 Uhr;Mo-Fr;12:00;", "auf@c.kim.telematik;62,30 € am Tag;;"),
    "Pflegekasse\n",
)


def test_hours_admission_and_costs_are_understood_by_their_headings() -> None:
    body = "".join(HOMES_HEADINGS).encode()
    found = sketch(body)
    assert found is not None
    places = {column: place for column, place, _ in guessed(propose(found.records).root)}
    assert {
        "Telefonzeiten": "offer.hours",
        "Aufnahmetage": "offer.admission.days",
        "Aufnahme bis": "offer.admission.latest",
        "KIM-Adresse": "facility.contacts.kim",
        "Eigenanteil": "offer.own_share",
        "Eigenanteil Stand": "offer.own_share.as_of",
        "Kostenträger": "offer.payers",
        "Stand": "valid_at",
        "frei": "counts.accepting",
    }.items() <= places.items()


def test_payers_of_people_are_no_payers_of_an_offer() -> None:
    body = "".join(HOMES_HEADINGS).replace("Pflegekasse", "AOK Niedersachsen").encode()
    found = sketch(body)
    assert found is not None
    assert ("Kostenträger", "offer.payers") not in {each[:2] for each in guessed(propose(found.records).root)}


def test_a_week_in_the_name_of_the_column_that_counts_is_told_and_the_column_must_be_there() -> None:
    body = (
        "Einrichtung;PLZ;Leistungsart;Telefon;Frei KW 48\nHaus am Moor;49661;Kurzzeitpflege;04471 5550;2\n"
        "Lindenhof;49377;Kurzzeitpflege;;0\n"
    )
    found = sketch(body.encode("cp1252"))
    assert found is not None
    proposal = propose(found.records)
    assert proposal.dated == ("Frei KW 48",)
    drafted = render(
        proposal,
        name="weekly",
        format=found.format,
        options=found.options,
        columns=found.columns,
        notes=(),
        language="en",
        own_tables=False,
    )
    options = load(drafted.encode(), origin="weekly").options
    assert "Frei KW 48" in options["columns"]
    assert "Telefon" in options["optional"]
    with pytest.raises(Rejected, match="Frei KW 48"):
        list(registry.adapter(FORMATS["csv"]).decode(body.replace("KW 48", "KW 49").encode(), options).records)


def test_blank_lines_above_the_header_are_counted_too() -> None:
    found = sketch(b"Wochenplan;;\n;;\n\nNr;Name;Frei\n1;Haus am Moor;2\n2;Lindenhof;0\n")
    assert found is not None
    assert found.notes[0][1].startswith("3 lines above the header")
