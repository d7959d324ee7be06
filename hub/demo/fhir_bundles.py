"""The FHIR export of facility software: a batch of PUT requests
(https://hl7.org/fhir/R4/http.html#transaction, `mappings/sources/fhir.yaml`)."""

import json
from collections.abc import Iterator
from typing import Any

from hub.demo.files import File, portions
from hub.demo.region import Provider, Region
from mappings.to_fhir import to_fhir

__all__ = ["bundle_files"]

_FACILITIES = 100
_SENDER = "https://heimsoftware.example/fhir"


def bundle_files(region: Region) -> Iterator[File]:
    """The files of source `fhir`."""
    providers = ([provider] for provider in region.of("fhir"))
    for number, portion in enumerate(portions(providers, _FACILITIES), start=1):
        bundle = {
            "resourceType": "Bundle",
            "type": "batch",
            "entry": [_entry(resource) for resource in _resources(portion, region)],
        }
        yield File(
            name=f"bundle-{number:03d}.json",
            body=json.dumps(bundle, ensure_ascii=False, separators=(",", ":")).encode(),
            records=sum(len(provider.reports) for provider in portion),
        )


def _resources(providers: list[Provider], region: Region) -> list[dict[str, Any]]:
    # Offers of a facility share Organization and Location, facilities of an operator share the operator.
    resources = {}
    for provider in providers:
        care_forms = {report.offer.care_form for report in provider.reports}
        for report in provider.reports:
            for resource in to_fhir(report, source="fhir", at=region.as_of, care_forms=care_forms):
                resources[resource["resourceType"], resource["id"]] = resource
    return list(resources.values())


def _entry(resource: dict[str, Any]) -> dict[str, Any]:
    address = f"{resource['resourceType']}/{resource['id']}"
    own = {name: value for name, value in resource.items() if name != "meta"}
    return {"fullUrl": f"{_SENDER}/{address}", "resource": own, "request": {"method": "PUT", "url": address}}
