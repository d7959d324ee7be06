"""What the clinics' KIS export: HL7 v2.5 ADT messages of their wards
(HL7 v2.5 chapter 3, https://www.hl7.org/implement/standards/product_brief.cfm?product_id=144).

Messages of patients carry a PID segment, as real ones do, with a number that says that it is a test.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from hub.demo.files import File, portions
from hub.demo.region import Provider, Region
from hub.demo.stations import Movement, Station
from mappings.vacancy import ZONE

__all__ = ["adt_files"]

_MESSAGES = 2_000

_STRUCTURES = {
    "A01": "ADT_A01",
    "A02": "ADT_A02",
    "A03": "ADT_A03",
    "A11": "ADT_A09",
    "A12": "ADT_A12",
    "A13": "ADT_A01",
    "A20": "ADT_A20",
    "A31": "ADT_A05",
}
_CANCELLED = {"A11": "A01", "A12": "A02", "A13": "A03"}


def adt_files(region: Region) -> Iterator[File]:
    """The files of source `kis-demo`, of several clinics each."""
    messages = (list(_messages(provider)) for provider in region.of("kis-demo"))
    for number, portion in enumerate(portions(messages, _MESSAGES), start=1):
        yield File(name=f"adt-{number:02d}.hl7", body="".join(portion).encode("iso8859-15"), records=len(portion))


def _messages(provider: Provider) -> Iterator[str]:
    happened = sorted(
        (
            (movement.at, station.code, movement, station)
            for station in provider.stations
            for movement in station.movements
        ),
        key=lambda entry: entry[:2],
    )
    for number, (_, _, movement, station) in enumerate(happened, start=1):
        yield _message(f"{station.hospital}-{number:05d}", movement, station)
        if movement.event == "A01":
            # A message without any effect on the census follows each admission.
            update = Movement(
                event="A31", at=movement.at + timedelta(seconds=30), bed=movement.bed, visit=movement.visit
            )
            yield _message(f"{station.hospital}-{number:05d}-U", update, station)


def _message(message_id: str, movement: Movement, station: Station) -> str:
    event, at = movement.event, _time(movement.at)
    place = _place(movement.bed, station)
    segments = [
        f"MSH|^~\\&|KIS|{station.hospital}|PLATZFREI|HUB|{at}||ADT^{event}^{_STRUCTURES[event]}|{message_id}|P|2.5||||||8859/15",
        f"EVN|{event}|{at}||||{at}",
    ]
    if event == "A20":
        segments.append(f"NPU|{place}|{movement.status}")
    else:
        segments.append(f"PID|1||TEST-{movement.visit[-5:]}")
        segments.append(
            _segment("PV1", {1: "1", 2: "I", 3: place, 6: _place(movement.prior_bed, station), 19: movement.visit})
        )
    if movement.number:
        original = _CANCELLED.get(event)
        action = f"CANCEL|N|{original}" if original else "INSERT|N"
        segments.append(f"ZBE|{movement.number}|{at}||{action}")
    return "".join(f"{segment}\r" for segment in segments)


def _segment(name: str, fields: Mapping[int, str]) -> str:
    return "|".join((name, *(fields.get(index, "") for index in range(1, max(fields) + 1))))


def _place(bed: str, station: Station) -> str:
    room, _, number = bed.partition("/")
    return f"{station.code}^{room}^{number}^{station.hospital}" if bed else ""


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(ZONE):%Y%m%d%H%M%S%z}"
