"""What deliveries do: held where they are unlike what their source sends, else written, and counted in their receipts.

In the transaction of whoever calls.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from adapters.receipt import Receipt
from hub.ingest.arrival import Arrival
from hub.ingest.changes import Effect, Told
from hub.ingest.drift import Drift
from hub.ingest.reading import Reading
from hub.ingest.reconcile import Reconciler
from hub.ingest.wards import Wards
from hub.store.clock import micros
from hub.store.reader import Reader, Transaction
from mappings.delivery_tally import DeliveryTally
from mappings.errors import Issue
from mappings.source_map import SourceMap

__all__ = ["Effects", "not_learnt"]


class Effects:
    """Reports go to the reconciler; events first to the census of their wards, which makes reports of them."""

    def __init__(self, reconciler: Reconciler, clock: Callable[[], datetime]) -> None:
        self._reconciler = reconciler
        self._clock = clock
        self._wards = Wards()
        self._drift = Drift()

    def passes(self, transaction: Transaction, one: Arrival) -> bool:
        """Whether a delivery takes effect: one that is unlike what its source sends is held, as its receipt says."""
        if not one.judged or one.receipt.rejected:
            return True
        connection, source_map, receipt = transaction.connection, one.source_map, one.receipt
        if not one.released and (drifted := self._drift.examine(connection, source_map, one.tally)):
            receipt.note_first(*drifted)
            if any(issue.severity == "error" for issue in drifted):
                receipt.hold()
                return False
        received_at = one.delivery.received_at
        if one.released and not self.takes_effect(transaction, source_map, one.reading, received_at):
            receipt.note(not_learnt())
        else:
            self.learn(transaction, source_map, one.tally, at=micros(received_at), accepted=one.released)
        return True

    def takes_effect(self, reader: Reader, source_map: SourceMap, reading: Reading, received_at: datetime) -> bool:
        """Whether anything of a reading would stand, or it makes no report: none is then older than what is known."""
        told = [Told(report=report, received_at=received_at) for _, report in reading.reports]
        return not told or self._reconciler.would_stand(reader, told, source=source_map.name, ladder=source_map.ladder)

    def learn(
        self, transaction: Transaction, source_map: SourceMap, tally: DeliveryTally, *, at: int, accepted: bool = False
    ) -> None:
        """Note what a source sends; `at` is the moment of receipt in microseconds, `accepted`: by a person."""
        self._drift.learn(transaction.connection, source_map, tally, at=at, accepted=accepted)

    def write(self, transaction: Transaction, arrivals: Sequence[Arrival]) -> None:
        """Write the effect of deliveries of one source, which have their numbers, and count it in their receipts."""
        if not arrivals:
            return
        source_map = arrivals[0].source_map
        if source_map.wards:
            self._write_events(transaction, source_map, arrivals)
        told: list[Told] = []
        whose = []
        for one in arrivals:
            for result, report in one.reading.reports:
                told.append(Told(report=report, received_at=one.delivery.received_at, delivery=one.receipt.delivery))
                whose.append((one.receipt, result))
        effects = self._reconciled(transaction, source_map, told)
        for (receipt, result), effect, one_told in zip(whose, effects, told, strict=True):
            result.offers[one_told.report.offer.key] = effect.change
            receipt.count(effect.change, effect.versions)
            if effect.moved and effect.change == "applied":
                receipt.note(_moved(result.place))

    def renew(self, transaction: Transaction, source_map: SourceMap) -> int:
        """Report anew what is expected of a source's wards; returns how many wards that changed."""
        now = self._clock()
        expected = self._wards.expected(transaction, source_map, now)
        told = [Told(report=report, received_at=now) for report in expected]
        return sum(effect.change == "applied" for effect in self._reconciled(transaction, source_map, told))

    def purge(self, transaction: Transaction, now: datetime) -> int:
        """Forget the stays that ended long ago; returns how many events went."""
        return self._wards.purge(transaction, now)

    def _write_events(self, transaction: Transaction, source_map: SourceMap, arrivals: Sequence[Arrival]) -> None:
        """The wards that events touch are reported once; that is the effect of each delivery that touched them."""
        events = [event for one in arrivals for _, event in one.reading.events]
        if not events:
            return
        last, noted = arrivals[-1], Receipt(source=source_map.name)
        reports = self._wards.reports(transaction, source_map, events, noted, self._clock())
        received_at, number = last.delivery.received_at, last.receipt.delivery
        told = [Told(report=report, received_at=received_at, delivery=number) for report in reports]
        effects = self._reconciled(transaction, source_map, told)
        for one in arrivals:
            one.receipt.note(*noted.issues)
            if one.reading.events:
                for effect in effects:
                    one.receipt.count(effect.change, effect.versions if one is last else 0)

    def _reconciled(self, transaction: Transaction, source_map: SourceMap, told: Sequence[Told]) -> list[Effect]:
        if not told:
            return []
        return self._reconciler.reconcile(
            transaction, told, source=source_map.name, ladder=source_map.ladder, now=self._clock()
        )


def not_learnt() -> Issue:
    """What is told of a delivery that was released when newer statements had overtaken all of it."""
    return Issue(
        code="drift-not-learnt",
        severity="warning",
        fhir_code="business-rule",
        text_de="Alles in dieser Lieferung ist von neueren überholt: nichts davon gilt, und gelernt wird nichts "
        "daraus.",
        text_en="All of this delivery is superseded by newer ones: nothing of it is in effect, and nothing is learnt "
        "from it.",
    )


def _moved(place: str) -> Issue:
    return Issue(
        code="offer-moved",
        severity="warning",
        place=place,
        fhir_code="business-rule",
        text_de="Unter dieser Angebotskennung meldete die Quelle bisher das Angebot einer anderen Einrichtung; es "
        "gehört jetzt zu dieser. Ist es nicht umgezogen, muss der Absender jedem Angebot eine eigene Kennung geben.",
        text_en="Under this offer id the source reported the offer of another facility so far; it belongs to this one "
        "now. Where it did not move, the sender must give each offer an id of its own.",
    )
