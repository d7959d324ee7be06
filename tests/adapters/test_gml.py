"""Feature collections: points, fids, other features, and documents that break."""

import pytest

from adapters.base import Broken, Record
from adapters.inbound import gml
from mappings.errors import Issue, Rejected

OPTIONS = {"feature": "{urn:example}Home"}
HEAD = (
    '<wfs:FeatureCollection xmlns:wfs="http://www.opengis.net/wfs" xmlns:gml="http://www.opengis.net/gml" '
    'xmlns:e="urn:example">\n'
)
TAIL = "</wfs:FeatureCollection>"


def parts(body: str) -> list[Record | Broken]:
    return list(gml.decode(body.encode(), OPTIONS).records)


def home(content: str, attributes: str = "") -> str:
    return f"<gml:featureMember><e:Home {attributes}>{content}</e:Home></gml:featureMember>\n"


def record(content: str, attributes: str = "") -> Record:
    (found,) = parts(HEAD + home(content, attributes) + TAIL)
    assert isinstance(found, Record)
    return found


def rejection(body: str) -> Issue:
    with pytest.raises(Rejected) as caught:
        parts(body)
    (issue,) = caught.value.issues
    return issue


def test_properties_are_named_locally_and_trimmed() -> None:
    assert record("<e:name> Haus\r\n</e:name><e:note/><plain>1</plain>").fields == {
        "name": "Haus",
        "note": "",
        "plain": "1",
    }


@pytest.mark.parametrize(
    "point",
    [
        "<gml:coordinates>1.5,2.5</gml:coordinates>",
        "<gml:coordinates>1.5, 2.5</gml:coordinates>",
        "<gml:coordinates>\n 1.5 2.5 </gml:coordinates>",
        "<gml:pos>1.5 2.5</gml:pos>",
    ],
)
def test_a_point_is_its_system_x_and_y(point: str) -> None:
    box = (
        '<gml:boundedBy><gml:Box srsName="EPSG:1"><gml:coordinates>0,0 9,9</gml:coordinates></gml:Box></gml:boundedBy>'
    )
    fields = record(f'{box}<e:geometry><gml:Point srsName="EPSG:25833">{point}</gml:Point></e:geometry>').fields
    assert fields == {"@crs": "EPSG:25833", "@x": "1.5", "@y": "2.5"}


def test_a_point_without_coordinates_is_no_point() -> None:
    assert record("<e:geometry><gml:Point/></e:geometry>").fields == {}


@pytest.mark.parametrize(
    ("attributes", "place"),
    [
        ('fid="Home.7"', "feature Home.7"),
        ('gml:id="Home.7"', "feature Home.7"),
        ("", "feature 1"),
        ('fid="somebody in room 7"', "feature 1"),
        ('fid="Canaria.7"', "feature 1"),
        ('fid="Home.4711081500"', "feature 1"),
        ('gml:id="Canaria_Kanarienvogel"', "feature 1"),
    ],
)
def test_the_place_is_the_feature_by_its_id_where_it_has_one(attributes: str, place: str) -> None:
    assert record("<e:name>Haus</e:name>", attributes).place == place


def test_a_property_that_stands_twice_is_an_error() -> None:
    (issue,) = record("<e:name>A</e:name><e:name>B</e:name>").issues
    assert (issue.code, issue.place) == ("property-twice", "feature 1, name")


def test_another_feature_is_set_aside() -> None:
    other = "<gml:featureMember><e:Street/></gml:featureMember>"
    first, second = parts(HEAD + other + home("<e:name>Haus</e:name>") + TAIL)
    assert isinstance(first, Broken)
    assert first.issue.code == "other-feature"
    assert isinstance(second, Record)
    assert second.place == "feature 2"


def test_what_stands_before_a_break_goes_in_and_the_rest_is_set_aside() -> None:
    good, bad = home("<e:name>Haus</e:name>", 'fid="Home.1"'), "<gml:featureMember><e:Home><e:name>Zweites</e:nam"
    first, second = parts(HEAD + good + bad)
    assert isinstance(first, Record)
    assert first.place == "feature Home.1"
    assert isinstance(second, Broken)
    assert second.body == f"\n{bad}".encode()
    assert second.place.startswith("line 3, column ")


def test_a_break_before_the_first_feature_is_a_rejection_with_its_place() -> None:
    assert rejection(HEAD + "<gml:featureMember>\n<e:Home></e:Hom>").place.startswith("line 3, column ")


@pytest.mark.parametrize("body", ["", "<html/>", "<ServiceExceptionReport/>", "Kein XML", "<!DOCTYPE a []><a/>"])
def test_what_is_no_feature_collection_is_refused(body: str) -> None:
    assert rejection(body).code == "not-gml"


def test_an_empty_collection_has_no_records() -> None:
    assert parts(HEAD + TAIL) == []


def test_features_without_a_name_are_refused() -> None:
    with pytest.raises(Rejected):
        gml.decode(b"<a/>", {})
