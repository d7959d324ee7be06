"""Towns and districts by their names: as people write them, wrongly too, and never a guess."""

import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mappings import gazetteer, place_names
from mappings.place_names import Ambiguous, District, Kind, Town, city, district, towns
from mappings.place_spelling import LONGEST, bare, name_of

TOWNS = """
Cloppenburg                     | Cloppenburg                   | 03453
cloppenburg                     | Cloppenburg                   | 03453
  CLOPPENBURG                   | Cloppenburg                   | 03453
Stadt Cloppenburg               | Cloppenburg                   | 03453
Cloppenburg, Stadt              | Cloppenburg                   | 03453
Clopenburg                      | Cloppenburg                   | 03453
Cloppenbrug                     | Cloppenburg                   | 03453
Cloppenburgg                    | Cloppenburg                   | 03453
Kloppenburg                     | Cloppenburg                   | 03453
49661 Cloppenburg               | Cloppenburg                   | 03453
D-49661 Cloppenburg             | Cloppenburg                   | 03453
49661, Cloppenburg              | Cloppenburg                   | 03453
Osnabrück                       | Osnabrück                     | 03404
Osnabrueck                      | Osnabrück                     | 03404
Osnabruck                       | Osnabrück                     | 03404
OSNABRÜCK                       | Osnabrück                     | 03404
OSNABRUECK                      | Osnabrück                     | 03404
Osnabrük                        | Osnabrück                     | 03404
Osnarbück                       | Osnabrück                     | 03404
Osnabrucck                      | Osnabrück                     | 03404
Münster                         | Münster                       | 05515
Muenster                        | Münster                       | 05515
Stadt Münster                   | Münster                       | 05515
Münster (Westfalen)             | Münster                       | 05515
Münster/Westf.                  | Münster                       | 05515
Munster                         | Munster                       | 03358
Oldenburg                       | Oldenburg                     | 03403
Stadt Oldenburg                 | Oldenburg                     | 03403
Oldenburg (Oldb)                | Oldenburg                     | 03403
Oldenburg (Oldb.)               | Oldenburg                     | 03403
Oldenburg i. O.                 | Oldenburg                     | 03403
Oldenburg i.O.                  | Oldenburg                     | 03403
Oldenburg in Oldenburg          | Oldenburg                     | 03403
Oldenburg, Niedersachsen        | Oldenburg                     | 03403
Oldenbug                        | Oldenburg                     | 03403
Oldenburg in Holstein           | Oldenburg in Holstein         | 01055
Oldenburg i. H.                 | Oldenburg in Holstein         | 01055
Oldenburg/Holst.                | Oldenburg in Holstein         | 01055
Bad Zwischenahn                 | Bad Zwischenahn               | 03451
Bad-Zwischenahn                 | Bad Zwischenahn               | 03451
BadZwischenahn                  | Bad Zwischenahn               | 03451
Zwischenahn                     | Bad Zwischenahn               | 03451
Bad Zwischenan                  | Bad Zwischenahn               | 03451
Frankfurt am Main               | Frankfurt am Main             | 06412
Frankfurt (Main)                | Frankfurt am Main             | 06412
Frankfurt/Main                  | Frankfurt am Main             | 06412
Frankfurt/M                     | Frankfurt am Main             | 06412
Frankfurt/M.                    | Frankfurt am Main             | 06412
Frankfurt a. M.                 | Frankfurt am Main             | 06412
Frankfurt a.M.                  | Frankfurt am Main             | 06412
Frankfurt Main                  | Frankfurt am Main             | 06412
Frankfurt, Main                 | Frankfurt am Main             | 06412
Frankfurt-am-Main               | Frankfurt am Main             | 06412
Frankfrut am Main               | Frankfurt am Main             | 06412
Frankfurt am Mian               | Frankfurt am Main             | 06412
Frankfrut/M                     | Frankfurt am Main             | 06412
Frankfurt (Oder)                | Frankfurt (Oder)              | 12053
Frankfurt/Oder                  | Frankfurt (Oder)              | 12053
Frankfurt an der Oder           | Frankfurt (Oder)              | 12053
Frankfurt a. d. Oder            | Frankfurt (Oder)              | 12053
Frankfurt a.d.O.                | Frankfurt (Oder)              | 12053
Frankfurt/O.                    | Frankfurt (Oder)              | 12053
Frankfurt (O)                   | Frankfurt (Oder)              | 12053
Halle                           | Halle                         | 15002
Halle (Saale)                   | Halle                         | 15002
Halle/Saale                     | Halle                         | 15002
Halle an der Saale              | Halle                         | 15002
Halle Saale                     | Halle                         | 15002
Halle, Sachsen-Anhalt           | Halle                         | 15002
Halle (Westf.)                  | Halle                         | 05754
Halle/Westfalen                 | Halle                         | 05754
Halle in Westfalen              | Halle                         | 05754
St. Wendel                      | Sankt Wendel                  | 10046
St Wendel                       | Sankt Wendel                  | 10046
St.Wendel                       | Sankt Wendel                  | 10046
Sankt Wendel                    | Sankt Wendel                  | 10046
Sankt-Wendel                    | Sankt Wendel                  | 10046
St. Augustin                    | Sankt Augustin                | 05382
St. Ingbert                     | Sankt Ingbert                 | 10045
St. Peter Ording                | Sankt Peter-Ording            | 01054
Bad Neustadt a. d. Saale        | Bad Neustadt an der Saale     | 09673
Bad Neustadt/Saale              | Bad Neustadt an der Saale     | 09673
Bad Neustadt a.d.S.             | Bad Neustadt an der Saale     | 09673
Neustadt a. Rbge.               | Neustadt am Rübenberge        | 03241
Neustadt am Ruebenberge         | Neustadt am Rübenberge        | 03241
Neustadt am Rubenberge          | Neustadt am Rübenberge        | 03241
Neustadt/Weinstraße             | Neustadt an der Weinstraße    | 07316
Neustadt an der Weinstrasse     | Neustadt an der Weinstraße    | 07316
Neustadt a.d. Weinstr.          | Neustadt an der Weinstraße    | 07316
Neustadt Weinstraße             | Neustadt an der Weinstraße    | 07316
Neustadt in Holstein            | Neustadt in Holstein          | 01055
Rothenburg ob der Tauber        | Rothenburg ob der Tauber      | 09571
Rothenburg o. d. T.             | Rothenburg ob der Tauber      | 09571
Rothenburg o.d.Tauber           | Rothenburg ob der Tauber      | 09571
Rotenburg (Wümme)               | Rotenburg (Wümme)             | 03357
Rotenburg/Wümme                 | Rotenburg (Wümme)             | 03357
Rotenburg Wuemme                | Rotenburg (Wümme)             | 03357
Rotenburg (W)                   | Rotenburg (Wümme)             | 03357
Rotenburg a. d. Fulda           | Rotenburg an der Fulda        | 06632
Freiburg                        | Freiburg im Breisgau          | 08311
Freiburg i. Br.                 | Freiburg im Breisgau          | 08311
Freiburg i.Br.                  | Freiburg im Breisgau          | 08311
Freiburg/Breisgau               | Freiburg im Breisgau          | 08311
Freiburg/Elbe                   | Freiburg (Elbe)               | 03359
Mülheim an der Ruhr             | Mülheim an der Ruhr           | 05117
Mülheim/Ruhr                    | Mülheim an der Ruhr           | 05117
Mulheim an der Ruhr             | Mülheim an der Ruhr           | 05117
Mühlheim an der Ruhr            | Mülheim an der Ruhr           | 05117
Offenbach                       | Offenbach                     | 06413
Offenbach am Main               | Offenbach                     | 06413
Offenbach/M.                    | Offenbach                     | 06413
Ludwigshafen                    | Ludwigshafen am Rhein         | 07314
Ludwigshafen a. Rh.             | Ludwigshafen am Rhein         | 07314
Leer                            | Leer (Ostfriesland)           | 03457
Leer/Ostfriesland               | Leer (Ostfriesland)           | 03457
Leer (Ostfr.)                   | Leer (Ostfriesland)           | 03457
Lohne                           | Lohne (Oldenburg)             | 03460
Lohne i. O.                     | Lohne (Oldenburg)             | 03460
Lohne Oldb                      | Lohne (Oldenburg)             | 03460
Essen                           | Essen                         | 05113
Essen (Oldenburg)               | Essen (Oldenburg)             | 03453
Essen i.O.                      | Essen (Oldenburg)             | 03453
Essen/Oldb.                     | Essen (Oldenburg)             | 03453
Emden                           | Emden                         | 03402
Hagen                           | Hagen                         | 05914
Hagen a.T.W.                    | Hagen am Teutoburger Wald     | 03459
Hagen am Teutoburger Wald       | Hagen am Teutoburger Wald     | 03459
Hamm                            | Hamm                          | 05915
Hamm (Westf.)                   | Hamm                          | 05915
Hamm/Sieg                       | Hamm                          | 07132
Schwerin                        | Schwerin                      | 13004
Weimar                          | Weimar                        | 16055
Fürth                           | Fürth                         | 09563
Kiel                            | Kiel                          | 01002
Lübeck                          | Lübeck                        | 01003
Luebeck                         | Lübeck                        | 01003
Hansestadt Lübeck               | Lübeck                        | 01003
Köln                            | Köln                          | 05315
Koeln                           | Köln                          | 05315
Koln                            | Köln                          | 05315
Düsseldorf                      | Düsseldorf                    | 05111
Dusseldorf                      | Düsseldorf                    | 05111
Duesseldorff                    | Düsseldorf                    | 05111
Landeshauptstadt Düsseldorf     | Düsseldorf                    | 05111
München                         | München                       | 09162
Muenchen                        | München                       | 09162
Munchen                         | München                       | 09162
Mücnhen                         | München                       | 09162
Nürnberg                        | Nürnberg                      | 09564
Nurnberg                        | Nürnberg                      | 09564
Nürnbreg                        | Nürnberg                      | 09564
Berlin                          | Berlin                        | 11000
Hamburg                         | Hamburg                       | 02000
Hambrug                         | Hamburg                       | 02000
Freie und Hansestadt Hamburg    |                               |
Bad Hersfeld                    | Bad Hersfeld                  | 06632
Bad Hersfled                    | Bad Hersfeld                  | 06632
Wittlich                        | Wittlich                      | 07231
Wittenberg                      | Lutherstadt Wittenberg        | 15091
Eisleben                        | Lutherstadt Eisleben          | 15087
Esens                           | Esens                         | 03462
Königs Wusterhausen             | Königs Wusterhausen           | 12061
Koenigs-Wusterhausen            | Königs Wusterhausen           | 12061
Schloss Holte Stukenbrock       | Schloß Holte-Stukenbrock      | 05754
Schloß Holte-Stukenbrock        | Schloß Holte-Stukenbrock      | 05754
Gross Grönau                    | Groß Grönau                   | 01053
Gießen                          | Gießen                        | 06531
Giessen                         | Gießen                        | 06531
GIESSEN                         | Gießen                        | 06531
Weißenburg i. Bay.              | Weißenburg in Bayern          | 09577
Garmisch Partenkirchen          | Garmisch-Partenkirchen        | 09180
Villingen Schwenningen          | Villingen-Schwenningen        | 08326
Villigen-Schwenningen           | Villingen-Schwenningen        | 08326
Castrop Rauxel                  | Castrop-Rauxel                | 05562
Landau i. d. Pfalz              | Landau in der Pfalz           | 07313
Landau/Pfalz                    | Landau in der Pfalz           | 07313
Landau a. d. Isar               | Landau an der Isar            | 09279
Limburg a. d. Lahn              | Limburg an der Lahn           | 06533
Limburg/Lahn                    | Limburg an der Lahn           | 06533
Brandenburg                     | Brandenburg an der Havel      | 12051
Brandenburg/Havel               | Brandenburg an der Havel      | 12051
Horb a.N.                       | Horb am Neckar                | 08237
Emstek                          | Emstek                        | 03453
Emsteck                         | Emstek                        | 03453
Wilhelmshafen                   | Wilhelmshaven                 | 03405
Delmenhosrt                     | Delmenhorst                   | 03401
Papenburg                       | Papenburg                     | 03454
Quackenbrück                    | Quakenbrück                   | 03459
Frisoythe                       | Friesoythe                    | 03453
Lönigen                         | Löningen                      | 03453
Xyzzy                           |                               |
Stadt                           |                               |
Kreis                           |                               |
"""
"""What is written, the town that is meant (nothing: none), and its district."""

SEVERAL = """
Neustadt
Neustadt i.H.
Hude
Furth
Neuenkirchen
Neukirchen
Neunkirchen
Friedeburg
Frankfurt
Husum
Bergen
Rotenburg
Garching
Gronau
Altdorf
Lauterbach
Königstein
Neustdat
Neuenkirchn
"""

WITHIN = """
Neustadt      | 09273                     | Neustadt an der Donau
Neustadt      | Region Hannover           | Neustadt am Rübenberge
Neustadt      | LK Eichsfeld              | Neustadt
Neustadt      | 07316                     | Neustadt an der Weinstraße
Friedeburg    | Wittmund                  | Friedeburg
Friedeburg    | 03462                     | Friedeburg
Friedeburg    | 03462007                  | Friedeburg
Frankfurt     | Frankfurt am Main         | Frankfurt am Main
Husum         | Nordfriesland             | Husum
Husum         | Kreis Nordfriesland       | Husum
Oldenburg     | Oldenburg                 | Oldenburg
Münster       | Darmstadt-Dieburg         | Münster
Neunkirchn    | Siegen-Wittgenstein       | Neunkirchen
Frisoythe     | Cloppenburg               | Friesoythe
"""

DISTRICTS = """
03453                        | 03453
03453004                     | 03453
Cloppenburg                  | 03453
cloppenburg                  | 03453
Landkreis Cloppenburg        | 03453
LK Cloppenburg               | 03453
Lkr. Cloppenburg             | 03453
Kreis Cloppenburg            | 03453
Cloppenburg (Landkreis)      | 03453
Cloppenburg, Landkreis       | 03453
Clopenburg                   | 03453
Landkreis Clopenburg         | 03453
Kreis Steinfurt              | 05566
Steinfurt                    | 05566
Region Hannover              | 03241
Hannover                     | 03241
Landkreis Hannover           | 03241
Stadt Oldenburg              | 03403
Kreisfreie Stadt Oldenburg   | 03403
Oldenburg (Stadt)            | 03403
Oldenburg, Stadt             | 03403
Oldenburg (Oldb), Stadt      | 03403
Landkreis Oldenburg          | 03458
LK Oldenburg                 | 03458
Oldenburg, Kreis             | 03458
LK Osnabrück                 | 03459
LK Osnabruck                 | 03459
Landkreis Osnabrueck         | 03459
Stadt Osnabrück              | 03404
Emsland                      | 03454
Grafschaft Bentheim          | 03456
Landkreis Grafschaft Bentheim | 03456
Rhein-Sieg-Kreis             | 05382
Rhein Sieg Kreis             | 05382
Rhein-Sieg                   | 05382
Hochsauerlandkreis           | 05958
Märkischer Kreis             | 05962
Maerkischer Kreis            | 05962
Städteregion Aachen          | 05334
Aachen                       | 05334
Regionalverband Saarbrücken  | 10041
St. Wendel                   | 10046
Landkreis Sankt Wendel       | 10046
Berlin                       | 11000
Hamburg                      | 02000
Nürnberg                     | 09564
Nürnberger Land              | 09574
Heidekreis                   | 03358
Nienburg                     | 03256
Nienburg/Weser               | 03256
Rotenburg (Wümme)            | 03357
LK Rotenburg                 | 03357
Stuttgart                    | 08111
Stadtkreis Karlsruhe         | 08212
Landkreis Karlsruhe          | 08215
Herzogtum Lauenburg          | 01053
Lauenburg                    | 01053
Kreis Minden Lübbecke        | 05770
Wunsiedel                    | 09479
Frankfurt (Oder)             | 12053
Frankfurt/M                  | 06412
Stadt Hannover               |
99999                        |
Xyzzy                        |
Landkreis                    |
Stadt                        |
"""


def lines(table: str) -> list[tuple[str, ...]]:
    return [tuple(cell.strip() for cell in line.split("|")) for line in table.strip("\n").splitlines()]


@pytest.mark.parametrize(("written", "name", "ags"), lines(TOWNS))
def test_a_town_is_found_by_what_people_write(written: str, name: str, ags: str) -> None:
    found = city(written)
    if not name:
        assert found is None
    else:
        assert isinstance(found, Town), found
        assert (found.name, found.district_ags) == (name, ags)


@pytest.mark.parametrize("written", [line[0] for line in lines(SEVERAL)])
def test_a_name_of_several_is_never_guessed(written: str) -> None:
    found = city(written)
    assert isinstance(found, Ambiguous)
    assert len(found.towns) > 1
    assert not found.elsewhere


@pytest.mark.parametrize(("written", "within", "name"), lines(WITHIN))
def test_the_district_says_which_is_meant(written: str, within: str, name: str) -> None:
    found = city(written, district=within)
    assert isinstance(found, Town), found
    assert found.name == name


@pytest.mark.parametrize(("written", "ags"), lines(DISTRICTS))
def test_a_district_is_found_by_number_and_by_name(written: str, ags: str) -> None:
    found = district(written)
    if not ags:
        assert found is None
    else:
        assert isinstance(found, District), found
        assert found.ags == ags


@pytest.mark.parametrize("written", ["Oldenburg", "Osnabrück", "Osnabruck", "München", "Kassel", "Offenbach"])
def test_town_and_landkreis_of_one_name_are_both_offered(written: str) -> None:
    found = district(written)
    assert isinstance(found, Ambiguous)
    assert {one.kind for one in found.districts} == {Kind.CITY, Kind.COUNTY}


def test_a_town_of_several_postal_codes_is_one_place() -> None:
    found = city("Oldenburg")
    assert isinstance(found, Town)
    assert {"26121", "26135"} <= set(found.postal_codes)
    assert abs(found.latitude - 53.14) < 0.05
    assert abs(found.longitude - 8.21) < 0.05


def test_a_district_has_middle_box_and_postal_codes() -> None:
    found = district("Landkreis Cloppenburg")
    assert isinstance(found, District)
    assert (found.name, found.kind) == ("Landkreis Cloppenburg", Kind.COUNTY)
    assert {"49661", "49685", "26169"} <= set(found.postal_codes)
    assert found.box.south < found.latitude < found.box.north
    assert found.box.west < found.longitude < found.box.east
    assert all(gazetteer.place(code) for code in found.postal_codes)


def test_a_town_in_another_district_is_told_as_such() -> None:
    found = city("Cloppenburg", district="Stuttgart")
    assert isinstance(found, Ambiguous)
    assert found.elsewhere
    assert [one.name for one in found.towns] == ["Cloppenburg"]


def test_an_unknown_district_has_no_town() -> None:
    assert city("Cloppenburg", district="Xyzzy") is None


def test_another_towns_postal_code_before_a_name_is_no_such_town() -> None:
    assert city("01067 Cloppenburg") is None


def test_every_district_finds_itself() -> None:
    for ags, name in gazetteer.districts().items():
        for written in (ags, name):
            found = district(written)
            assert isinstance(found, District), written
            assert (found.ags, found.name) == (ags, name)


def test_every_town_finds_itself_or_is_one_of_several_or_yields_to_the_largest() -> None:
    yielding = 0
    for town in towns():
        found = city(town.name)
        if isinstance(found, Ambiguous):
            assert town in found.towns
        elif found != town:
            assert isinstance(found, Town), town
            assert name_of(found.name).base == name_of(town.name).base
            assert len(found.postal_codes) >= 5 or found.district_ags in gazetteer.cities()
            yielding += 1
    assert yielding < 50, "few have a far larger namesake"


def test_every_town_is_found_within_its_district() -> None:
    for town in random.Random(6).sample(towns(), 1500):
        if town.district_ags:
            found = city(town.name, district=town.district_ags)
            assert found == town or (isinstance(found, Ambiguous) and town in found.towns), town


LONG = sorted({town.name for town in towns() if len(town.name) > 8 and town.name.isalpha() and city(town.name) == town})


@given(st.sampled_from(LONG), st.data())
def test_every_single_error_in_a_long_name_finds_it_or_is_ambiguous(name: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(1, len(name) - 2))
    letter = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz"))
    written = data.draw(
        st.sampled_from(
            (
                name[:at] + name[at + 1 :],
                name[:at] + name[at] + name[at:],
                name[:at] + letter + name[at + 1 :],
                name[:at] + letter + name[at:],
                name[:at] + name[at + 1] + name[at] + name[at + 2 :],
            )
        )
    )
    found = city(written)
    if isinstance(found, Ambiguous):
        return
    assert isinstance(found, Town), written
    if found.name != name:
        # Another town, where just that is one of the ways to write it.
        plain = name_of(bare(found.name))
        assert name_of(written).whole in {
            *(one for spelt in (plain, name_of(found.name)) for one in (spelt.base, spelt.content, spelt.whole)),
            "".join(name_of(found.name).words[1:]),
        }


@given(st.text(max_size=200), st.text(max_size=60))
@example("", "")
@example("(", ",")
@example("/M", "()")
@example("St.", "St")
@example("49661 ", "0345")
@example("İ" * 90, "ß" * 90)
@example("a" * (LONGEST + 1), "Landkreis")
def test_any_text_has_an_answer(text: str, within: str) -> None:
    assert isinstance(city(text), Town | Ambiguous | None)
    assert isinstance(city(text, district=within), Town | Ambiguous | None)
    assert isinstance(district(text), District | Ambiguous | None)
    assert place_names.says_district(text) in (True, False)


def test_a_landkreis_says_so_and_a_town_does_not() -> None:
    assert place_names.says_district("Landkreis Vechta")
    assert place_names.says_district("LK Vechta")
    assert not place_names.says_district("Vechta")
    assert not place_names.says_district("Kreis")
    assert not place_names.says_district("Stadt Oldenburg")
