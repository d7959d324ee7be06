"""Tables: charsets, headers, quotes, groups, and rows that do not fit."""

import time
import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import Broken, Record
from adapters.inbound import csv_records
from adapters.outbound import csv_records as encoder
from mappings.errors import Issue, Rejected
from mappings.language import shipped
from tests.reports import FULL

OPTIONS: dict[str, Any] = {"columns": ["Nr", "Straße", "Frei"]}
GROUPED = {**OPTIONS, "optional": ["Zimmer"], "group": {"by": ["Nr"], "rows": ["Frei", "Zimmer"]}}
HEADER = "Nr;Straße;Frei\r\n"


def parts(body: str | bytes, **options: Any) -> list[Record | Broken]:
    encoded = body.encode() if isinstance(body, str) else body
    return list(csv_records.decode(encoded, {**OPTIONS, **options}).records)


def rows(body: str | bytes, **options: Any) -> list[Any]:
    return [part.fields if isinstance(part, Record) else part.issue.code for part in parts(body, **options)]


def rejection(body: str | bytes, **options: Any) -> Issue:
    with pytest.raises(Rejected) as caught:
        parts(body, **options)
    (issue,) = caught.value.issues
    return issue


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "windows-1252", "utf-16"])
def test_the_charset_is_found(charset: str) -> None:
    body = (HEADER + "1;Große Allee;3\r\n").encode(charset)
    assert rows(body) == [{"Nr": "1", "Straße": "Große Allee", "Frei": "3"}]


def test_a_stated_charset_goes_before_what_the_bytes_look_like() -> None:
    body = (HEADER + "1;Große Allee – €;3\r\n").replace("–", "-").encode("iso8859-15")
    assert rows(body, charset="iso8859-15")[0]["Straße"] == "Große Allee - €"


def test_one_line_in_another_charset_is_set_aside_alone() -> None:
    body = HEADER.encode() + "1;Große Allee;3\n".encode() + "2;Kurze Straße;3\n".encode("cp1252") + b"3;Weg;0\n"
    first, second, third = parts(body)
    assert isinstance(second, Broken)
    assert (second.place, second.body) == ("line 3", "2;Kurze Straße;3\n".encode("cp1252"))
    assert isinstance(first, Record)
    assert isinstance(third, Record)


def test_the_header_is_matched_whatever_its_case_spaces_and_order() -> None:
    assert rows(" frei ;NR;  STRASSE ;Etage\n3;1;Weg;x\n") == [{"Frei": "3", "Nr": "1", "Straße": "Weg", "Etage": "x"}]


def test_a_missing_column_is_named_with_what_is_expected() -> None:
    issue = rejection("Nr;Straße;Geheim\n1;Weg;3\n")
    assert (issue.code, issue.place) == ("missing-column", "line 1")
    assert "Frei" in issue.text_de
    assert "Nr;Straße;Frei" in issue.text_en
    assert "Geheim" not in issue.text_de + issue.text_en


def test_a_column_that_stands_twice_is_refused() -> None:
    assert rejection("Nr;Straße;Frei;FREI\n").place == "line 1, column Frei"


@pytest.mark.parametrize("body", [b"", b"\r\n\r\n", b" ; ;\n", b"\xef\xbb\xbf"])
def test_a_file_without_a_header_line_is_refused(body: bytes) -> None:
    assert rejection(body).code == "missing-header"


def test_empty_lines_and_rows_of_nothing_are_passed_over() -> None:
    assert rows("\n" + HEADER + "\n;;\n1;Weg;3\n\r\n") == [{"Nr": "1", "Straße": "Weg", "Frei": "3"}]


def test_quoted_cells_hold_delimiters_quotes_and_line_breaks() -> None:
    first, second = parts(HEADER + '1;"Weg ""A""; hinten\nlinks";3\n2;Haus "B";0\n')
    assert isinstance(first, Record)
    assert first.fields["Straße"] == 'Weg "A"; hinten\nlinks'
    assert isinstance(second, Record)
    assert (second.place, second.fields["Straße"]) == ("line 4", 'Haus "B"')


@pytest.mark.parametrize("bad", ['1;"Weg;3', "1;Weg", "1;Weg;3;4", '1;"Weg"x;3', "1;We\0g;3"])
def test_a_row_that_does_not_fit_is_set_aside_and_the_next_one_goes_in(bad: str) -> None:
    first, second = parts(f"{HEADER}{bad}\r\n2;Weg;0\r\n")
    assert isinstance(first, Broken)
    assert (first.place, first.body, first.issue.place) == ("line 2", f"{bad}\r\n".encode(), "line 2")
    assert isinstance(second, Record)
    assert second.place == "line 3"


def test_an_open_quote_is_named_though_the_line_it_runs_into_is_bad_too() -> None:
    first, second = parts((HEADER + '1;"Große Allee;3\n').encode() + b"2;\xff;0\n")
    assert isinstance(first, Broken)
    assert isinstance(second, Broken)
    assert "quotation marks" in first.issue.text_en
    assert "UTF-8" in second.issue.text_en


def test_blank_cells_beyond_the_header_are_no_cells() -> None:
    assert rows(HEADER + "1;Weg;3;; \n") == [{"Nr": "1", "Straße": "Weg", "Frei": "3"}]


def test_rows_of_one_thing_are_one_record() -> None:
    (record,) = csv_records.decode(b"Nr;Stra\xc3\x9fe;Frei;Zimmer\n1;Weg;3;EZ\n1; weg ;1;DZ\n", GROUPED).records
    assert isinstance(record, Record)
    assert record.place == "lines 2 to 3"
    assert record.fields == {
        "Nr": "1",
        "Straße": "Weg",
        "rows": [{"Frei": "3", "Zimmer": "EZ"}, {"Frei": "1", "Zimmer": "DZ"}],
    }
    assert record.issues == ()


def test_rows_of_one_thing_that_differ_elsewhere_are_an_error_at_the_cell() -> None:
    (record,) = csv_records.decode("Nr;Straße;Frei;Zimmer\n1;Weg;3;EZ\n1;Allee;1;DZ\n".encode(), GROUPED).records
    assert isinstance(record, Record)
    (issue,) = record.issues
    assert (issue.code, issue.place, issue.severity) == ("rows-differ", "line 3, column Straße", "error")


def test_rows_of_one_thing_that_stand_apart_are_an_error() -> None:
    body = "Nr;Straße;Frei;Zimmer\n1;Weg;3;EZ\n2;Weg;0;\n1;Weg;1;DZ\n".encode()
    first, second, third = csv_records.decode(body, GROUPED).records
    assert isinstance(first, Record)
    assert isinstance(second, Record)
    assert isinstance(third, Record)
    assert (first.issues, second.issues) == ((), ())
    assert [issue.code for issue in third.issues] == ["rows-apart"]


def test_rows_without_a_key_are_not_grouped() -> None:
    found = list(csv_records.decode("Nr;Straße;Frei;Zimmer\n;Weg;3;\n;Weg;1;\n".encode(), GROUPED).records)
    assert [part.place for part in found] == ["line 2", "line 3"]


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ({"delimiter": ""}, "delimiter"),
        ({"delimiter": "::"}, "delimiter"),
        ({"delimiter": 7}, "delimiter"),
        ({"charset": "klingon"}, "charset"),
        ({"charset": "hex"}, "charset"),
        ({"charset": "undefined"}, "charset"),
        ({"columns": "Nr"}, "columns"),
        ({"columns": []}, "columns"),
        ({"columns": ["Nr", "Nr"]}, "columns"),
        ({"optional": [7]}, "optional"),
        ({"group": []}, "group"),
        ({"group": {}}, "group"),
        ({"group": {"by": ["Nr"], "rows": ["Frei"], "key": 1}}, "group.key"),
        ({"group": {"rows": ["Frei"]}}, "group.by"),
        ({"group": {"by": ["nr"], "rows": ["Frei"]}}, "group.by"),
        ({"group": {"by": ["Zimmer"], "rows": ["Frei"]}, "optional": ["Zimmer"]}, "group.by"),
        ({"group": {"by": ["Nr"]}}, "group.rows"),
        ({"group": {"by": ["Nr"], "rows": ["Nr"]}}, "group.rows"),
        ({"group": {"by": ["Nr"], "rows": ["Zimmer"]}}, "group.rows"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], place: str) -> None:
    issue = rejection(HEADER, **options)
    assert (issue.code, issue.place) == ("source-map", f"options.{place}")


@pytest.mark.parametrize(
    ("options", "name"),
    [(OPTIONS, "frei"), (OPTIONS, "rows"), (GROUPED, "Frei"), (GROUPED, "rows.Nr"), (GROUPED, "rows.Etage")],
)
def test_a_field_that_no_record_has_for_sure_cannot_be_read(options: dict[str, Any], name: str) -> None:
    with pytest.raises(Rejected) as caught:
        csv_records.check_names(options, [name])
    (issue,) = caught.value.issues
    assert (issue.code, issue.place) == ("source-map", "options.columns")
    assert f"„{name}“" in issue.text_de
    assert "wer die Quellenkarte pflegt" in issue.text_de


def test_fields_of_the_row_and_of_its_group_can_be_read() -> None:
    csv_records.check_names(OPTIONS, ["Nr", "Straße", "Frei"])
    csv_records.check_names(GROUPED, ["Nr", "Straße", "rows", "rows.Frei", "rows.Zimmer"])


def incomplete(body: str) -> list[bool | None]:
    """Of each part in its order: whether a record is set aside for a broken row, None for a broken part."""
    found = csv_records.decode(f"Nr;Straße;Frei;Zimmer\n{body}".encode(), GROUPED).records
    return [
        any((issue.code, issue.severity) == ("rows-incomplete", "error") for issue in part.issues)
        if isinstance(part, Record)
        else None
        for part in found
    ]


BAD_ROWS = ["1;Weg;3", "1;Weg", "1", "1;Weg;3;EZ;x", ";1;Weg;3;EZ", '1;"Weg;3;EZ', '"1;Weg;3;EZ', "\0;Weg;3;EZ"]


@pytest.mark.parametrize("bad", BAD_ROWS)
@pytest.mark.parametrize("body", ["{bad}\n1;Weg;1;DZ\n", "1;Weg;1;DZ\n{bad}\n", "1;Weg;1;DZ\n{bad}\n1;Weg;2;EZ\n"])
def test_an_offer_one_of_whose_rows_is_broken_is_set_aside(bad: str, body: str) -> None:
    assert sorted(incomplete(body.format(bad=bad)), key=str) == [None, True]


@pytest.mark.parametrize("bad", [row for row in BAD_ROWS if row.startswith(("1", ";"))])
def test_a_broken_row_of_another_offer_leaves_its_neighbours_alone(bad: str) -> None:
    assert incomplete(f"0;Weg;1;DZ\n{bad}\n2;Weg;1;DZ\n") == [False, None, False]


def test_a_broken_row_of_a_key_that_cannot_be_told_sets_both_neighbours_aside_and_no_other() -> None:
    body = '0;Weg;1;DZ\n1;Weg;1;DZ\n"2;Weg\n3;Weg;1;DZ\n4;Weg;1;DZ\n'
    assert incomplete(body) == [False, True, None, True, False]


def test_a_wide_header_takes_time_in_proportion() -> None:
    wide = HEADER.strip() + "".join(f";c{i}" for i in range(60_000)) + ";" * 60_000
    started = time.process_time()
    assert len(rows(f"{wide}\n")) == 0
    assert rejection(f"{wide};C7\n").code == "column-twice"
    assert time.process_time() - started < 5


@pytest.mark.parametrize("lines", [99, 100, 101, 200_000])
def test_a_long_run_of_broken_rows_ends_in_one_part(lines: int) -> None:
    bad = '1;"Weg;3\n' + "x\n" * (lines - 1)
    *broken, last = parts(f"{HEADER}{bad}2;Weg;0\n")
    assert isinstance(last, Record)
    assert len(broken) == min(lines, 101)
    assert b"".join(part.body for part in broken if isinstance(part, Broken)) == bad.encode()
    if lines > 101:
        assert isinstance(broken[-1], Broken)
        assert broken[-1].place == f"line 102 to line {lines + 1}"
        assert f"{lines - 100} more" in broken[-1].issue.text_en


@pytest.mark.parametrize("cell", ["Weg", '"Weg"'])
def test_rows_come_as_they_are_asked_for_and_none_is_kept(cell: str) -> None:
    body = (HEADER + f"1;{cell};3\r\n" * 20_000).encode()
    tracemalloc.start()
    try:
        assert sum(1 for _ in csv_records.decode(body, OPTIONS).records) == 20_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 200_000


def test_of_a_grouped_table_only_the_keys_are_kept() -> None:
    rows = "".join(f"{number};Weg {'x' * 500};3;EZ\r\n" for number in range(5_000))
    body = f"Nr;Straße;Frei;Zimmer\r\n{rows}".encode()
    tracemalloc.start()
    try:
        assert sum(1 for _ in csv_records.decode(body, GROUPED).records) == 5_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < len(body) / 2


def test_a_file_of_another_kind_is_named() -> None:
    issue = rejection(b"PK\x03\x04...")
    assert (issue.code, issue.text_en) == (
        "not-a-table",
        "this is XLSX (ZIP), not CSV. The sender must correct the file.",
    )


# An apostrophe before a formula is an export's own, and taken away.
CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0\r")).filter(lambda cell: not cell.startswith("'"))


@given(st.lists(st.tuples(CELL, CELL, CELL), max_size=6))
def test_what_a_writer_quotes_is_read_back(table: list[tuple[str, ...]]) -> None:
    quoted = (";".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in table)
    body = "\ufeff" + HEADER + "".join(f"{row}\r\n" for row in quoted)
    kept = [row for row in table if any(cell.strip() for cell in row) and sum(cell.count("\n") for cell in row) < 40]
    assert [tuple(row.values()) for row in rows(body) if isinstance(row, dict)] == kept


@pytest.mark.parametrize("line", ['";"', '"a', 'a";"b', ";" * 50, '"' * 99, '";\n"'])
def test_hostile_lines_take_time_in_proportion(line: str) -> None:
    body = HEADER + f"{line}\n" * 20_000
    started = time.process_time()
    assert len(parts(body)) <= 40_000
    assert time.process_time() - started < 20


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\0"])
def test_an_exported_cell_that_would_be_a_formula_is_led_by_an_apostrophe_and_read_without(first: str) -> None:
    name = f"{first}1+1"
    report = replace(FULL, facility=replace(FULL.facility, name=name))
    body = b"".join(encoder.encode([report], at=datetime(2026, 11, 22, tzinfo=UTC)))
    plain = name.replace("\t", " ").replace("\0", " ")
    assert f";'{plain};".encode() in body
    record = next(csv_records.decode(body, shipped()["csv-long"].options).records)
    assert isinstance(record, Record)
    assert record.fields["Name"] == plain


def test_an_exported_number_below_zero_stays_a_number() -> None:
    report = replace(FULL, counts=replace(FULL.counts, accepting=-2), blocks=())
    assert b";-2;" in b"".join(encoder.encode([report], at=datetime(2026, 11, 22, tzinfo=UTC)))


def test_the_columns_that_are_written_are_those_that_the_map_reads_but_for_hours_admission_and_costs() -> None:
    options = shipped()["csv-long"].options
    not_written = {*options["columns"], *options["optional"]} - set(encoder.COLUMNS)
    assert set(encoder.COLUMNS) <= {*options["columns"], *options["optional"]}
    assert not_written == {
        *("Telefonzeiten", "Aufnahmetage", "Aufnahme bis", "KIM", "Eigenanteil", "Eigenanteil Stand"),
        *("Kostenträger", "Kostenträger Stand"),
    }
