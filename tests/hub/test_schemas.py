"""The schema of our simple JSON is served as it is published."""

from conformance import spec
from hub.hub import Hub
from tests.hub.client import Client


def test_the_schema_of_our_simple_json_is_served(sqlite_hub: Hub) -> None:
    response = Client(sqlite_hub).request("GET", "/schemas/places.json")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/schema+json"
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.content == spec.schema("places")
