"""fhirpy as hospitals' scripts use it, against a real server (https://github.com/beda-software/fhir-py)."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from fhirpy import AsyncFHIRClient, SyncFHIRClient
from fhirpy.base.exceptions import MultipleResourcesFound, OperationOutcome, ResourceNotFound

from hub.hub import Hub
from tests.clients.server import running

# fhirpy leaves some of its functions without types.
Client = Any
SYSTEM = "https://example.org/facilities"


@pytest.fixture
def base(hub: Hub) -> Iterator[str]:
    """The address of an empty sandbox."""
    with running(hub) as url:
        yield url


@pytest.fixture
def client(base: str) -> Client:
    return SyncFHIRClient(base)


def organization(client: Any, name: str, **elements: Any) -> Any:
    return client.resource("Organization", name=name, active=True, **elements)


def identifier(value: str) -> list[dict[str, str]]:
    return [{"system": SYSTEM, "value": value}]


def names(found: list[Any]) -> list[str]:
    return [one["name"] for one in found]


def location(client: Any, name: str, owner: Any) -> Any:
    return client.resource(
        "Location", name=name, status="active", managingOrganization=owner.to_reference().serialize()
    )


def test_what_is_created_is_read_updated_and_deleted(client: Client) -> None:
    made = organization(client, "Haus am Moor").create()
    assert made["meta"]["versionId"] == "1"
    read = client.reference("Organization", made.id).to_resource()
    assert read.serialize() == made.serialize()
    read["name"] = "Haus am See"
    assert read.update()["meta"]["versionId"] == "2"
    assert client.get("Organization", made.id)["name"] == "Haus am See"
    read.delete()
    with pytest.raises(ResourceNotFound):
        client.get("Organization", made.id)


def test_an_id_of_the_clients_makes_a_resource(client: Client) -> None:
    organization(client, "Haus am Moor", id="moor").update()
    assert client.get("Organization", "moor")["meta"]["versionId"] == "1"


def test_an_update_of_an_old_version_changes_nothing(base: str, client: Client) -> None:
    made = organization(client, "Haus am Moor").create()
    made["name"] = "Haus am See"
    made.update()
    made["name"] = "Haus am Wald"
    late = SyncFHIRClient(base, extra_headers={"If-Match": 'W/"1"'})
    # fhirpy has one name for every 412.
    with pytest.raises(MultipleResourcesFound):
        late.resource("Organization", **made.serialize()).update()
    assert client.get("Organization", made.id)["name"] == "Haus am See"
    timely = SyncFHIRClient(base, extra_headers={"If-Match": 'W/"2"'})
    timely.resource("Organization", **made.serialize()).update()
    assert client.get("Organization", made.id)["name"] == "Haus am Wald"


def test_a_refresh_fetches_what_others_changed(client: Client) -> None:
    mine = organization(client, "Haus am Moor").create()
    assert mine.refresh()["name"] == "Haus am Moor"
    theirs = client.reference("Organization", mine.id).to_resource()
    theirs["name"] = "Haus am See"
    theirs.update()
    assert mine.refresh()["name"] == "Haus am See"


def test_a_fhirpath_patch_changes_one_element(client: Client) -> None:
    made = organization(client, "Haus am Moor", identifier=identifier("A")).create()
    parts = [
        {"name": "type", "valueCode": "replace"},
        {"name": "path", "valueString": "Organization.name"},
        {"name": "value", "valueString": "Haus am See"},
    ]
    patch = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}
    patched = client.execute(f"Organization/{made.id}", method="patch", data=patch)
    assert patched["name"] == "Haus am See"
    assert patched["identifier"] == identifier("A")
    assert patched["meta"]["versionId"] == "2"


def test_fhirpys_own_patch_changes_what_it_names(client: Client) -> None:
    made = organization(client, "Haus am Moor", identifier=identifier("A")).create()
    assert made.patch(name="Haus am See")["name"] == "Haus am See"
    read = client.get("Organization", made.id)
    assert (read["name"], read["identifier"], read["meta"]["versionId"]) == ("Haus am See", identifier("A"), "2")


def test_what_is_got_or_created_is_created_once(client: Client) -> None:
    by_key = client.resources("Organization").search(identifier=f"{SYSTEM}|A")
    body = organization(client, "Haus am Moor", identifier=identifier("A"))
    first, is_new = by_key.get_or_create(body)
    assert is_new
    second, is_new = by_key.get_or_create(body)
    assert (second.id, is_new) == (first.id, False)
    assert client.resources("Organization").count() == 1


def test_what_is_not_valid_is_refused_with_an_outcome(client: Client) -> None:
    wrong = client.resource("Location", name="Haus am Moor", status="banana")
    assert not wrong.is_valid()
    with pytest.raises(OperationOutcome) as refused:
        wrong.create()
    assert refused.value.resource["issue"][0]["expression"] == ["Location.status"]
    assert client.resource("Location", name="Haus am Moor", status="active").is_valid()


def test_searches_find_by_every_kind_of_value(client: Client) -> None:
    owner = organization(client, "Träger Nord", identifier=identifier("A"), alias=["Nordlicht"]).create()
    organization(client, "Träger Süd", identifier=identifier("B")).create()
    found = client.resources("Organization")
    assert names(found.search(name="träger n").fetch()) == ["Träger Nord"]
    assert names(found.search(name__exact="Träger Süd").fetch()) == ["Träger Süd"]
    assert names(found.search(name__contains="licht").fetch()) == ["Träger Nord"]
    assert names(found.search(identifier=f"{SYSTEM}|B").fetch()) == ["Träger Süd"]
    assert names(found.search(_id=owner.id).fetch()) == ["Träger Nord"]
    assert names(found.search(identifier__not=f"{SYSTEM}|B").fetch()) == ["Träger Nord"]
    assert found.search(_lastUpdated__gt="2027-01-01").fetch() == []
    assert found.search(_lastUpdated__lt="2027-01-01").count() == 2


def test_chains_and_reverse_chains_cross_references(client: Client) -> None:
    north, south = (organization(client, name).create() for name in ("Träger Nord", "Träger Süd"))
    location(client, "Haus am Moor", north).create()
    location(client, "Haus am See", south).create()
    places = client.resources("Location")
    assert names(places.search(organization__Organization__name="Träger Nord").fetch()) == ["Haus am Moor"]
    assert names(places.search(organization=south).fetch()) == ["Haus am See"]
    owners = client.resources("Organization").has("Location", "organization", name="Haus am See")
    assert names(owners.fetch()) == ["Träger Süd"]


def test_includes_come_with_the_matches(client: Client) -> None:
    owner = organization(client, "Träger Nord").create()
    location(client, "Haus am Moor", owner).create()
    bundle = client.resources("Location").include("Location", "organization").fetch_raw()
    assert [(entry["resource"]["name"], entry["search"]["mode"]) for entry in bundle["entry"]] == [
        ("Haus am Moor", "match"),
        ("Träger Nord", "include"),
    ]
    # fhirpy's fetch keeps what is of the searched type.
    assert names(client.resources("Location").include("Location", "organization").fetch()) == ["Haus am Moor"]
    back = client.resources("Organization").revinclude("Location", "organization").fetch_raw()
    assert [entry["search"]["mode"] for entry in back["entry"]] == ["match", "include"]


def test_pages_counts_and_orders_are_of_all_that_match(client: Client) -> None:
    for number in range(7):
        organization(client, f"Haus {number}").create()
    found = client.resources("Organization").search(name="Haus").sort("-name")
    assert found.count() == 7
    assert len(found.limit(2).fetch()) == 2
    assert names(found.limit(2).fetch_all()) == [f"Haus {number}" for number in range(6, -1, -1)]
    first = found.first()
    assert first is not None
    assert first["name"] == "Haus 6"
    assert set(found.elements("name").limit(1).fetch()[0]) >= {"resourceType", "id", "name"}
    assert "active" not in found.elements("name").limit(1).fetch()[0]
    with pytest.raises(MultipleResourcesFound):
        found.get()


def test_a_search_updates_or_deletes_the_one_it_finds(client: Client) -> None:
    by_key = client.resources("Organization").search(identifier=f"{SYSTEM}|A")
    made, is_new = by_key.update(organization(client, "Haus am Moor", identifier=identifier("A")))
    assert is_new
    same, is_new = by_key.update(organization(client, "Haus am See", identifier=identifier("A")))
    assert (same.id, is_new, same["name"]) == (made.id, False, "Haus am See")
    by_key.delete()
    assert by_key.fetch() == []


def test_a_transaction_resolves_references_among_its_entries(client: Client) -> None:
    owner = "urn:uuid:0c8a4f2e-6f5e-4a3c-9c1b-0b6f6f0c2a11"
    place = {"resourceType": "Location", "status": "active", "managingOrganization": {"reference": owner}}
    entries = [
        {"request": {"method": "POST", "url": "Location"}, "resource": place},
        {
            "fullUrl": owner,
            "request": {"method": "POST", "url": "Organization", "ifNoneExist": f"identifier={SYSTEM}|A"},
            "resource": {"resourceType": "Organization", "name": "Haus am Moor", "identifier": identifier("A")},
        },
    ]
    bundle = client.resource("Bundle", type="transaction", entry=entries)
    answered = client.execute("", data=bundle.serialize())
    assert [entry["response"]["status"][:3] for entry in answered["entry"]] == ["201", "201"]
    again = client.execute("", data=bundle.serialize())
    assert [entry["response"]["status"][:3] for entry in again["entry"]] == ["201", "200"]
    (made,) = client.resources("Organization").fetch()
    assert client.resources("Location").search(organization=made).count() == 2


def test_a_transaction_with_one_wrong_entry_does_nothing(client: Client) -> None:
    entries = [
        {
            "request": {"method": "POST", "url": kind},
            "resource": {"resourceType": kind, "name": "Haus", "status": status},
        }
        for kind, status in (("Location", "active"), ("Location", "banana"))
    ]
    with pytest.raises(OperationOutcome):
        client.execute("", data={"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert client.resources("Location").count() == 0
    answered = client.execute("", data={"resourceType": "Bundle", "type": "batch", "entry": entries})
    assert [entry["response"]["status"][0] for entry in answered["entry"]] == ["2", "4"]
    assert client.resources("Location").count() == 1


def test_many_requests_at_once_are_all_kept(base: str) -> None:
    async def together() -> list[str]:
        client = AsyncFHIRClient(base)
        await asyncio.gather(*(organization(client, f"Haus {number}").create() for number in range(20)))
        found = client.resources("Organization").search(name="Haus").limit(3)
        assert await found.count() == 20
        return sorted([one["name"] async for one in found])

    assert asyncio.run(together()) == sorted(f"Haus {number}" for number in range(20))
