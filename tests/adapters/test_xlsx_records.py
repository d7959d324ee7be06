"""Workbooks: what spreadsheet programs and libraries write comes as people see it, and nothing takes us apart."""

import datetime as dt
import time
import zipfile
from io import BytesIO
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.base import Broken, Record
from adapters.inbound import xlsx_records
from mappings.errors import Issue, Rejected
from tests.adapters.workbooks import Cells, book, packed, parts, sheet

OPTIONS: dict[str, Any] = {"columns": ["Nr", "Frei"], "optional": ["Stand", "Zimmer"]}
MORNING = dt.datetime.combine(dt.date(2026, 11, 22), dt.time(7, 30))
GROUPED = {**OPTIONS, "group": {"by": ["Nr"], "rows": ["Frei", "Zimmer"]}}


def read(body: bytes, **options: Any) -> list[Record | Broken]:
    return list(xlsx_records.decode(body, {**OPTIONS, **options}).records)


def fields(body: bytes, **options: Any) -> list[Any]:
    return [part.fields if isinstance(part, Record) else part.issue.code for part in read(body, **options)]


def issues(body: bytes, **options: Any) -> list[str]:
    return [
        f"{one.code} at {one.place}"
        for part in read(body, **options)
        for one in (part.issues if isinstance(part, Record) else (part.issue,))
    ]


def rejection(body: bytes, **options: Any) -> Issue:
    with pytest.raises(Rejected) as caught:
        read(body, **options)
    (issue,) = caught.value.issues
    return issue


def by_xlsxwriter(rows: Cells, *, starts_1904: bool = False) -> bytes:
    body = BytesIO()
    with xlsxwriter.Workbook(body, {"in_memory": True, "date_1904": starts_1904, "remove_timezone": True}) as written:
        day = written.add_format({"num_format": "dd.mm.yyyy"})
        moment = written.add_format({"num_format": "dd.mm.yyyy hh:mm"})
        one = written.add_worksheet()
        for row, cells in enumerate(rows):
            for column, value in enumerate(cells):
                if isinstance(value, dt.datetime):
                    one.write_datetime(row, column, value, moment)
                elif isinstance(value, dt.date):
                    one.write_datetime(row, column, dt.datetime.combine(value, dt.time()), day)
                else:
                    one.write(row, column, value)
    return body.getvalue()


def by_openpyxl(rows: Cells, *, starts_1904: bool = False) -> bytes:
    written = openpyxl.Workbook()
    if starts_1904:
        written.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    one = written.active
    for row, cells in enumerate(rows, start=1):
        for column, value in enumerate(cells, start=1):
            one.cell(row, column).value = value
    body = BytesIO()
    written.save(body)
    return body.getvalue()


WRITERS = [by_xlsxwriter, by_openpyxl]


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("starts_1904", [False, True])
def test_cells_come_as_people_see_them(write: Any, starts_1904: bool) -> None:
    rows = [
        ["Nr", "Frei", "Stand", "Zimmer"],
        ["ä<&>", 2.0, MORNING, True],
        [7, 2.5, dt.date(2026, 11, 22), False],
        [" x ", -1, dt.datetime.combine(MORNING, dt.time()), None],
    ]
    assert fields(write(rows, starts_1904=starts_1904)) == [
        {"Nr": "ä<&>", "Frei": "2", "Stand": "2026-11-22 07:30:00", "Zimmer": "true"},
        {"Nr": "7", "Frei": "2.5", "Stand": "2026-11-22", "Zimmer": "false"},
        {"Nr": " x ", "Frei": "-1", "Stand": "2026-11-22", "Zimmer": ""},
    ]


days = st.dates(dt.date(2000, 1, 1), dt.date(2099, 1, 1))
printable = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co")), min_size=1, max_size=20)
values = (
    printable.filter(
        lambda text: text.strip() and not text.startswith(("=", "{", "http", "mailto", "ftp", "internal:", "external:"))
    )
    | st.integers(-10_000, 10_000)
    | st.builds(dt.datetime.combine, days, st.times().map(lambda at: at.replace(microsecond=0, fold=0)))
    | days
)


def as_text(value: Any) -> str:
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S") if value.time() != dt.time() else value.strftime("%Y-%m-%d")
    return value.isoformat() if isinstance(value, dt.date) else str(value)


@pytest.mark.parametrize("write", WRITERS)
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(table=st.lists(st.tuples(values, values), min_size=1, max_size=5))
def test_what_a_writer_writes_is_read_back(write: Any, table: list[tuple[Any, Any]]) -> None:
    body = write([("Nr", "Frei"), *table])
    expected = [{"Nr": as_text(first), "Frei": as_text(second)} for first, second in table]
    assert fields(body) == expected


@pytest.mark.parametrize(
    ("style", "number", "text"),
    [
        ('<xf numFmtId="0"/>', "46348.3125", "46348.3125"),
        ('<xf numFmtId="14"/>', "46348.3125", "2026-11-22"),
        ('<xf numFmtId="22"/>', "46348.3125", "2026-11-22 07:30:00"),
        ('<xf numFmtId="20"/>', "0.3125", "07:30"),
        ('<xf numFmtId="164"/>', "46348", "2026-11-22"),
        ('<xf numFmtId="165"/>', "1067", "01067"),
        ('<xf numFmtId="166"/>', "3", "3"),
        ('<xf numFmtId="167"/>', "46348.5", "2026-11-22 12:00:00"),
        ('<xf numFmtId="168"/>', "12", "12"),
        ('<xf numFmtId="0"/>', "1E2", "100"),
        ('<xf numFmtId="0"/>', "0.30000000000000004", "0.3"),
        ('<xf numFmtId="0"/>', "1.0000000000000001E-5", "0.00001"),
    ],
)
def test_a_number_is_what_its_format_shows(style: str, number: str, text: str) -> None:
    codes = ["[$-407]d. mmmm yyyy;@", "00000", '0" Plätze am Tag"', "TT.MM.JJJJ hh:mm", "#,##0.00"]
    formats = "".join(
        f'<numFmt numFmtId="{164 + position}" formatCode="{code.replace(chr(34), "&quot;")}"/>'
        for position, code in enumerate(codes)
    )
    styles = f'<numFmts>{formats}</numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs>{style}</cellXfs>'
    body = book([["Nr", "Frei"], ["1", f'<c s="0"><v>{number}</v></c>']], styles=styles)
    assert fields(body) == [{"Nr": "1", "Frei": text}]


def test_shared_texts_leave_out_reading_aids_and_undo_escapes() -> None:
    texts = (
        "<si><t>Nr</t></si><si><r><t>Fr</t></r><r><t>ei</t></r></si>"
        '<si><t xml:space="preserve">A_x000D_\n</t><rPh sb="0" eb="1"><t>PLANTED</t></rPh></si>'
    )
    rows = [['<c t="s"><v>0</v></c>', '<c t="s"><v>1</v></c>'], ['<c t="s"><v>2</v></c>', 3]]
    assert fields(book(rows, texts=texts)) == [{"Nr": "A\r\n", "Frei": "3"}]


def test_a_column_of_days_reads_bare_numbers_as_days() -> None:
    rows = [["Nr", "Frei", "Stand"], ["1", 46348, 46348.3125], ["2", 1, "22.11.2026"]]
    assert [one["Stand"] for one in fields(book(rows), dates=["Stand"])] == ["2026-11-22 07:30:00", "22.11.2026"]
    assert fields(book(rows), dates=["Stand"])[0]["Frei"] == "46348"
    assert fields(book(rows))[0]["Stand"] == "46348.3125"


def test_the_header_is_found_below_a_title_and_beside_empty_columns() -> None:
    rows = [["", "Freie Plätze"], [], ["", "", " NR ", "frei"], ["", "", "1", 2]]
    (record,) = read(book(rows))
    assert isinstance(record, Record)
    assert (record.place, record.fields) == ("row 4", {"Nr": "1", "Frei": "2"})
    assert record.dropped == ("(rows above the header)",)


def test_content_without_a_column_is_named_as_dropped() -> None:
    first, second = read(book([["Nr", "Frei"], ["1", 2, "", "GEHEIM"], ["2", 0]]))
    assert isinstance(first, Record)
    assert isinstance(second, Record)
    assert (first.dropped, second.dropped) == (("(column D)",), ())
    assert "GEHEIM" not in repr(first)


def test_the_header_is_looked_for_in_the_first_fifty_rows() -> None:
    title = [["Text"]] * 49
    assert len(read(book([*title, ["Nr", "Frei"], ["1", 2]]))) == 1
    assert rejection(book([*title, ["Text"], ["Nr", "Frei"], ["1", 2]])).code == "missing-column"


def test_names_in_two_rows_are_joined_under_what_is_merged() -> None:
    rows = [["Nr", "Dauerpflege", "", "Kurzzeit", ""], ["", "Plätze", "frei", "Plätze", "frei"], ["1", 80, 2, 10, 0]]
    merged = '<mergeCells><mergeCell ref="A1:A2"/><mergeCell ref="B1:C1"/><mergeCell ref="D1:E1"/></mergeCells>'
    options = {"columns": ["Nr", "Dauerpflege frei", "Kurzzeit frei"], "optional": [], "header_rows": 2}
    (record,) = read(book(rows, after=merged), **options)
    assert isinstance(record, Record)
    assert record.fields == {
        "Nr": "1",
        "Dauerpflege Plätze": "80",
        "Dauerpflege frei": "2",
        "Kurzzeit Plätze": "10",
        "Kurzzeit frei": "0",
    }


def test_the_visible_sheet_with_the_columns_is_read() -> None:
    sheets = {
        "Anleitung": sheet([["Bitte ausfüllen"]]),
        "Alt": sheet([["Nr", "Frei"], ["alt", 9]]),
        "Plätze": sheet([["Nr", "Frei"], ["1", 2]]),
    }
    body = packed(parts(sheets, states={"Alt": "veryHidden"}))
    (record,) = read(body)
    assert isinstance(record, Record)
    assert (record.fields["Nr"], record.dropped) == ("1", ("(other sheets)",))
    assert fields(body, sheet=" alt ")[0]["Nr"] == "alt"
    assert rejection(body, sheet="Neu").code == "missing-sheet"
    assert rejection(packed(parts(sheets))).code == "several-sheets"


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ('<c t="e"><v>#REF!</v></c>', "cell-error"),
        ("<c><f>1+1</f></c>", "formula-without-value"),
        ("<c><f>1+1</f><v></v></c>", "formula-without-value"),
        ('<c t="s"><v>99</v></c>', "cell-unreadable"),
        ("<c><v>NaN</v></c>", "cell-unreadable"),
        ('<c t="b"><v>2</v></c>', "cell-unreadable"),
        ('<c t="x"><v>2</v></c>', "cell-unreadable"),
    ],
)
def test_a_cell_without_a_value_sets_its_record_aside_where_it_is_read(cell: str, code: str) -> None:
    assert issues(book([["Nr", "Frei"], ["1", cell]])) == [f"{code} at row 2, column Frei"]
    assert issues(book([["Nr", "Frei", "Notiz"], ["1", 2, cell]])) == []


def test_a_saved_value_of_a_formula_counts_unless_the_workbook_says_that_it_is_old() -> None:
    rows = [["Nr", "Frei"], ["1", "<c><f>1+1</f><v>2</v></c>"], ["2", '<c t="str"><f>""</f><v></v></c>']]
    assert [one["Frei"] for one in fields(book(rows))] == ["2", ""]
    assert issues(book(rows, settings='<calcPr fullCalcOnLoad="1"/>')) == [
        "formula-without-value at row 2, column Frei",
        "formula-without-value at row 3, column Frei",
    ]


def test_merged_cells_are_no_statement_about_all_they_cover() -> None:
    rows = [["Nr", "Frei", "Notiz"], ["1", 2, "a"], ["", 3, ""], ["2", 4, ""]]
    merged = '<mergeCells count="2"><mergeCell ref="A2:A3"/><mergeCell ref="C2:C4"/></mergeCells>'
    assert issues(book(rows, after=merged)) == ["merged-cells at row 3, column Nr"]


def test_rows_of_one_thing_are_one_record() -> None:
    rows = [["Nr", "Frei", "Zimmer"], ["1", 2, "EZ"], ["1", 3, "DZ"], ["2", 0, ""], ["1", 1, ""]]
    first, _, third = xlsx_records.decode(book(rows), GROUPED).records
    assert isinstance(first, Record)
    assert isinstance(third, Record)
    assert first.place == "rows 2 to 3"
    assert first.fields["rows"] == [{"Frei": "2", "Zimmer": "EZ"}, {"Frei": "3", "Zimmer": "DZ"}]
    assert [issue.code for issue in third.issues] == ["rows-apart"]


@pytest.mark.parametrize("options", [OPTIONS, GROUPED])
def test_a_sheet_that_breaks_midway_gives_what_stands_before(options: dict[str, Any]) -> None:
    whole = parts({"T": sheet([["Nr", "Frei"], *([str(n), 1] for n in range(3_000))])})
    name = "xl/worksheets/sheet1.xml"
    cut = packed({**whole, name: whole[name][:100_000]})
    *good, last = xlsx_records.decode(cut, options).records
    assert len(good) > 900
    assert isinstance(last, Broken)
    assert last.issue.code == "damaged-workbook"
    assert last.place == f"row {len(good) + 2}"


def test_what_is_missing_is_told_of_the_row_most_like_a_header() -> None:
    issue = rejection(book([["Liste"], ["Nr", "Geheim"], ["1", 2]]))
    assert (issue.code, issue.place) == ("missing-column", "row 2")
    assert "columns are missing: Frei" in issue.text_en
    assert "Geheim" not in repr(issue)


@pytest.mark.parametrize("header_rows", [0, 4, "2", True, None])
def test_a_number_of_header_rows_that_cannot_be_is_refused(header_rows: Any) -> None:
    assert rejection(b"", header_rows=header_rows).place == "options.header_rows"


def test_days_are_of_columns_that_are_named() -> None:
    assert rejection(b"", dates=["Wann"]).place == "options.dates"


def bomb(unit: str, times: int) -> bytes:
    whole = parts({"T": ""})
    start, end = sheet([["Nr", "Frei"]]).split("</sheetData>")
    whole["xl/worksheets/sheet1.xml"] = f"{start}{unit * times}</sheetData>{end}".encode()
    return packed(whole)


def test_a_part_that_grows_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    many = bomb('<row><c t="inlineStr"><is><t>Liste</t></is></c></row>', 30_000)
    assert len(many) < 20_000
    assert len(read(many)) == 30_000
    monkeypatch.setattr("adapters.workbook._LARGEST_PART", 1_000_000)
    assert rejection(many).code == "too-large"


@pytest.mark.parametrize(("limit", "unit"), [("_MOST_ELEMENTS", "<row><c/><c/></row>"), ("_MOST_WITHIN", "<c/>")])
def test_a_part_with_too_many_elements_is_refused(limit: str, unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    many = bomb("<row>" + unit * 10_000 + "</row>", 1) if unit == "<c/>" else bomb(unit, 10_000)
    assert read(many) == []
    monkeypatch.setattr(f"adapters.workbook.{limit}", 5_000)
    assert rejection(many).code == "damaged-workbook"


def test_a_cell_at_the_far_corner_costs_nothing() -> None:
    started = time.process_time()
    rows = '<row r="1048576"><c r="XFD1048576"><v>1</v></c><c r="A1"><v>7</v></c></row>'
    body = bomb(rows, 1)
    assert fields(body) == [{"Nr": "7", "Frei": ""}]
    assert time.process_time() - started < 1


def test_nothing_outside_the_file_is_looked_at() -> None:
    whole = parts({"T": sheet([["Nr", "Frei"], ["1", 2]])})
    name = "xl/_rels/workbook.xml.rels"
    outside = b'<Relationship Id="rId9" Type="x/externalLink" Target="file:///etc/passwd" TargetMode="External"/></Rel'
    body = packed({**whole, name: whole[name].replace(b"</Rel", outside)})
    assert len(read(body)) == 1


@given(data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_a_damaged_part_ends_in_records_or_a_refusal(data: st.DataObject) -> None:
    whole = parts({"T": sheet([["Nr", "Frei"], ["1", 2], ["2", 3]])}, styles='<cellXfs><xf numFmtId="14"/></cellXfs>')
    name = data.draw(st.sampled_from(sorted(whole)))
    content = whole[name]
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(len(content), start + 30)))
    body = packed({**whole, name: content[:start] + data.draw(st.binary(max_size=6)) + content[end:]})
    try:
        read(body)
    except Rejected as rejected:
        assert all(issue.text_de and issue.place for issue in rejected.issues)


def test_a_row_number_that_does_not_rise_is_damage() -> None:
    body = bomb('<row r="2"><c r="A2"><v>1</v></c></row><row r="2"><c r="A2"><v>2</v></c></row>', 1)
    assert rejection(body).code == "damaged-workbook"


def test_the_archive_is_not_read_where_it_is_encrypted() -> None:
    plain = book([["Nr", "Frei"]])
    with zipfile.ZipFile(BytesIO(plain)) as archive:
        places = [info.header_offset for info in archive.infolist()]
    locked = bytearray(plain)
    for place in places:
        locked[place + 6] |= 1
    start = 0
    while (start := locked.find(b"PK\x01\x02", start)) >= 0:
        locked[start + 8] |= 1
        start += 4
    assert rejection(bytes(locked)).code == "protected-workbook"
