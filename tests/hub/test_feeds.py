"""Feeds are files: what is wrong with one is told with its place, and stops no other."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.errors import NotFound
from hub.feeds import Feeds
from mappings import yaml_document
from tests.strategies import json_values

KEYS = ("address", "credentials", "every", "options", "private", "source", "transport", "unencrypted")
GOOD = """
source: csv-long
transport: drop_folder
address: /srv/eingang
every: 30s
"""
SFTP = f"""
source: csv-long
transport: sftp_poll
address: sftp://sftp.example.org/out
every: 15m
credentials: {{user: heim, key_file: /etc/platzfrei/heim}}
options: {{host_key: "SHA256:{"A" * 43}", pattern: "*.csv", move_to: done}}
"""


def loaded(folder: Path, **files: str | bytes) -> Feeds:
    for name, content in files.items():
        path = folder / f"{name.replace('_', '-')}.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Feeds(folder, ["csv-long", "json"])


def test_a_folder_without_files_or_none_at_all_has_no_feeds(tmp_path: Path) -> None:
    assert list(Feeds(tmp_path / "missing", [])) == []
    assert list(loaded(tmp_path)) == []


def test_feeds_are_named_by_their_files(tmp_path: Path) -> None:
    feeds = loaded(tmp_path, heim=GOOD, kis=SFTP)
    assert feeds.problems == ()
    assert [feed.name for feed in feeds] == ["heim", "kis"]
    assert feeds.named("kis").options["move_to"] == "done"
    assert [feed.name for feed in feeds.of("csv-long")] == ["heim", "kis"]
    assert feeds.of("json") == ()
    with pytest.raises(NotFound, match="known: heim, kis"):
        feeds.named("nobody")


@pytest.mark.parametrize(
    ("content", "place", "told"),
    [
        (b"source: \xff", "line 1, column 1", "expected YAML"),
        ("source: [", "line 2, column 1", "expected YAML"),
        ("source: a\nsource: b", "line 2, column 1", "stands twice"),
        ("7", "", "expected a mapping (source: …)"),
        ("", "", "expected a mapping (source: …)"),
        (GOOD + "colour: red", "colour", "expected one of address, credentials, every"),
        (GOOD.replace("source: csv-long", ""), "source", "expected a text; it is missing or none"),
        (GOOD.replace("30s", "30"), "every", "expected a duration like 30s, 15m or 24h, from 5s to 31d"),
        (GOOD.replace("every: 30s", ""), "every", "expected a duration like 30s"),
        (GOOD.replace("30s", "often"), "every", "expected a duration like 30s, 15m or 24h, from 5s to 31d"),
        (GOOD.replace("30s", "4s"), "every", "from 5s to 31d"),
        (GOOD.replace("30s", "32d"), "every", "from 5s to 31d"),
        (GOOD.replace("csv-long", "nobody"), "source", "expected one of csv-long, json"),
        (GOOD.replace("drop_folder", "pigeon"), "transport", "expected one of drop_folder, fhir_poll, http_poll"),
        (GOOD.replace("/srv", "srv"), "address", "expected the full path of a folder"),
        (GOOD + "private: ja", "private", "expected true or false"),
        (GOOD + "options: [settle]", "options", "expected a mapping (key: value)"),
        (GOOD + "options: {settle: soon}", "options.settle", "expected a whole number"),
        (GOOD + "options: {settle: true}", "options.settle", "expected a whole number"),
        (GOOD + "options: {settle: 61}", "options.settle", "expected a number from 0 to 60"),
        (GOOD + "options: {pattern: ../x}", "options.pattern", "expected a pattern of file names like *.csv"),
        (GOOD + "credentials: {user: heim}", "credentials.user", "expected none, or one of –"),
        (SFTP.replace("key_file: /etc/platzfrei/heim", "password: geheim"), "credentials.password", "password_env"),
        (SFTP.replace("key_file: /etc/platzfrei/heim", "token: geheim"), "credentials.token", "token_env"),
        (SFTP.replace("/etc/platzfrei/heim", "7"), "credentials.key_file", "expected a text"),
        (SFTP.replace("sftp://", "sftp://heim:geheim@"), "address", "credentials never stand in the address"),
        (SFTP.replace("sftp.example.org", "sftp.example.org:25"), "address", "expected the port 22, or one from 1024"),
        (SFTP.replace("move_to: done", "move_to: ../x"), "options.move_to", "expected the name of a folder below"),
        (SFTP.replace("AAA", "A"), "options.host_key", "expected the server's fingerprint"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, content: str | bytes, place: str, told: str) -> None:
    feeds = loaded(tmp_path, bad=content, good=GOOD)
    (issue,) = feeds.problems
    assert issue.code in ("feed", "address")
    assert issue.place == (f"feeds/bad.yaml: {place}" if place else "feeds/bad.yaml")
    assert told in issue.text_en
    assert issue.text_de != issue.text_en
    assert "geheim" not in issue.text_en + issue.text_de
    assert [feed.name for feed in feeds] == ["good"]


WRONG_ALL_OVER = """
source: nobody
transport: http_poll
address: http://127.0.0.1:8080/x.csv
every: often
colour: red
private: ja
credentials: {token: geheim, user: heim}
options: {pages: 3, authorities: 7}
"""


def test_all_that_is_wrong_with_a_file_is_told_at_once(tmp_path: Path) -> None:
    told = loaded(tmp_path, bad=WRONG_ALL_OVER).problems
    assert [(issue.place.removeprefix("feeds/bad.yaml: "), issue.code) for issue in told] == [
        ("colour", "feed"),
        ("private", "feed"),
        ("source", "feed"),
        ("every", "feed"),
        ("credentials.token", "feed"),
        ("options.pages", "feed"),
        ("options.authorities", "feed"),
        ("address", "address-private"),
    ]
    assert not any("geheim" in str(issue) for issue in told)


@pytest.mark.parametrize(
    ("address", "private", "code"),
    [
        ("http://127.0.0.1:8080/x", False, "address-private"),
        ("http://localhost:8080/x", False, "address-private"),
        ("https://10.1.2.3/x", False, "address-private"),
        ("https://[::1]/x", False, "address-private"),
        ("https://169.254.169.254/x", True, "address-refused"),
        ("http://127.0.0.1:8080/x", True, None),
        ("https://example.org/x", False, None),
    ],
)
def test_an_address_that_can_never_be_reached_is_told_at_once(
    tmp_path: Path, address: str, private: bool, code: str | None
) -> None:
    content = (
        f"{{source: json, transport: http_poll, address: '{address}', every: 1h, private: {str(private).lower()}}}"
    )
    assert [issue.code for issue in loaded(tmp_path, one=content).problems] == ([code] if code else [])


def test_what_a_machine_lacks_is_told_and_leaves_the_feed_in(tmp_path: Path) -> None:
    here = tmp_path / "eingang"
    here.mkdir()
    (tmp_path / "secret").write_text("geheim")
    folder = tmp_path / "feeds"
    folder.mkdir()
    http = "{{source: json, transport: http_poll, address: 'https://example.org/x', every: 1h, {more}}}"
    feeds = loaded(
        folder,
        a=GOOD,
        b=GOOD.replace("/srv/eingang", str(here)),
        c=http.format(more="credentials: {token_env: TOKEN}"),
        d=http.format(more=f"credentials: {{token_file: {tmp_path}/missing}}"),
        e=http.format(more=f"credentials: {{token_file: {tmp_path}/secret}}"),
        f=http.format(more=f"options: {{authorities: {tmp_path}/missing.pem}}"),
        g=SFTP,
    )
    assert feeds.problems == ()
    assert [str(issue) for issue in feeds.unready({})] == [
        "feeds/a.yaml: address: expected a folder; there is none",
        "feeds/c.yaml: credentials.token_env: expected the variable TOKEN in the environment; it is missing or blank",
        "feeds/d.yaml: credentials.token_file: expected a file that can be read and is not empty",
        "feeds/f.yaml: options.authorities: expected a file that can be read",
        "feeds/g.yaml: credentials.key_file: expected a file that can be read and is not empty",
    ]
    assert [issue.place for issue in feeds.unready({"TOKEN": "x"})] == [
        "feeds/a.yaml: address",
        "feeds/d.yaml: credentials.token_file",
        "feeds/f.yaml: options.authorities",
        "feeds/g.yaml: credentials.key_file",
    ]


@pytest.mark.parametrize("every", ["30s", "90s", "15m", "90m", "1h", "24h", "36h", "2d", "7d"])
def test_an_interval_is_told_as_it_was_written(tmp_path: Path, every: str) -> None:
    (feed,) = loaded(tmp_path, one=GOOD.replace("30s", every))
    assert feed.interval == every


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    st.binary(max_size=200)
    | st.tuples(st.sampled_from(KEYS), json_values).map(
        lambda one: json.dumps(yaml_document.parse(SFTP.encode()) | {one[0]: one[1]}, default=str).encode()
    )
)
def test_any_file_is_a_feed_or_a_problem_told(tmp_path: Path, content: bytes) -> None:
    feeds = loaded(tmp_path, any=content)
    assert len(list(feeds)) + bool(feeds.problems) == 1
    for issue in feeds.problems:
        assert issue.place.startswith("feeds/any.yaml")


def test_a_name_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "Heim am Moor.yaml").write_text(GOOD)
    (issue,) = Feeds(tmp_path, ["csv-long"]).problems
    assert "expected a file name of lower-case letters" in issue.text_en
