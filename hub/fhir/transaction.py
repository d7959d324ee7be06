"""A transaction: all entries of a Bundle, or none (https://hl7.org/fhir/R4/http.html#transaction).

Deletes come first, then creates, then updates and patches, then what reads. Creates and updates are written together,
with few statements for many resources; identities are settled before that, so that references can name them.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from uuid import uuid4

from sqlalchemy import bindparam, select

from hub.errors import Invalid, Malformed, PreconditionFailed
from hub.fhir.brought import Ahead, Key, Parts, Resource, criteria, encoded, named
from hub.fhir.conditional import current, names_version, none_exist, refuse_stale, sole
from hub.fhir.context import Context, Store
from hub.fhir.entry import Entry
from hub.fhir.form import pairs_of
from hub.fhir.references import Link, Target, links, target_of
from hub.fhir.request import Answer
from hub.fhir.resource_id import ID, target
from hub.fhir.validation import validate
from hub.fhir.written import deleted, unchanged, written
from hub.search.page import matching
from hub.store.clock import micros
from hub.store.prepared import Prepared, one_of
from hub.store.reader import Reader, Transaction
from hub.store.repository import Written
from hub.store.tables import VIEWS
from mappings.errors import Issue, PlatzfreiError

__all__ = ["at_entry", "transact"]

_PLACEHOLDER = ("urn:uuid:", "urn:oid:")
_MOST_ISSUES = 200


def transact(context: Context, reader: Reader, entries: Sequence[Entry], done: Ahead | None = None) -> list[Answer]:
    """The answers in the order of the entries; what one of them raises, told of its place, undoes all.

    Where nothing is written a plain reader will do. What was `done` ahead is used up by it.
    """
    answers: dict[int, Answer] = {}
    parts = Parts.of(context, entries) if done is None else done.parts
    if context.store is not None and (parts.deletes or parts.creates or parts.updates or parts.patches):
        assert isinstance(reader, Transaction), "what writes is given a transaction"
        resources = {} if done is None else done.resources
        answers.update(_Writing(context, reader, context.store, entries[0].request.base, resources).answers(parts))
    for entry in parts.asked:
        with _at(entry):
            answers[entry.position] = context.perform(context, reader, entry.request)
    return [answers[entry.position] for entry in entries]


def at_entry(error: PlatzfreiError, entry: Entry) -> PlatzfreiError:
    """The same error, told of an entry of a Bundle."""
    issues = [replace(issue, place=_place(issue.place, entry)) for issue in error.issues]
    return type(error)(*issues, headers=error.headers)


def _place(place: str, entry: Entry) -> str:
    if place.startswith("Bundle.entry["):
        return place
    kind, dot, below = place.partition(".")
    if entry.tree is not None and kind in (entry.tree["resourceType"], "Resource") and dot:
        return f"{entry.place}.resource.{below}"
    return f"{entry.place}.request" if kind == "http" else entry.place


@contextlib.contextmanager
def _at(entry: Entry) -> Iterator[None]:
    try:
        yield
    except PlatzfreiError as error:
        raise at_entry(error, entry) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Condition:
    """A reference that names a resource by what would find it."""

    resource: Resource
    link: Link
    type: str
    criteria: str


class _Refused(Exception):
    """Ends a savepoint whose work was wanted only to look at it."""


class _Writing:
    """The part of a transaction that writes."""

    def __init__(
        self, context: Context, transaction: Transaction, store: Store, base: str, ahead: Mapping[int, Resource]
    ) -> None:
        self._ahead = ahead
        self._context = context
        self._transaction = transaction
        self._store = store
        self._base = base
        self._now = micros(context.clock())
        self._touched: dict[Key, Entry] = {}
        """What is deleted, created, updated or patched, each by one entry."""
        self._names: dict[str, str] = {}
        """fullUrl → the `Type/id` that it has here."""
        self._created: dict[tuple[str, str], str] = {}
        """(type, If-None-Exist) → the id under which an entry creates it."""
        self._repeated: list[tuple[Entry, Key]] = []
        """Creates that ask for what an entry before them creates."""
        self._answers: dict[int, Answer] = {}

    def answers(self, parts: Parts) -> dict[int, Answer]:
        """What was done, by the position of the entry."""
        _refuse_doubles([*parts.creates, *parts.updates])
        self._delete(parts.deletes)
        resources: list[Resource] = []
        for entry in parts.creates:
            with _at(entry):
                resources += self._created_by(entry)
        for entry in parts.updates:
            with _at(entry):
                resources.append(self._updated_by(entry))
        patches: list[Resource | Entry] = []
        for entry in parts.patches:
            with _at(entry):
                patches.append(self._patched_by(entry))
        bringing = [*resources, *(patch for patch in patches if isinstance(patch, Resource))]
        self._rename(bringing)
        conditions = self._conditions(bringing)
        self._refuse_invalid(resources, bringing, conditions)
        self._resolve(conditions, resources)
        made = self._store_all(resources)
        for one in resources:
            self._answers[one.entry.position] = written(one.entry.request, one.type, one.id, made.versions[one.key])
        for entry, key in self._repeated:
            there = made.versions[key]._replace(change="unchanged")
            self._answers[entry.position] = written(entry.request, *key, there)
        for patch in patches:
            self._patch(patch)
        return self._answers

    def _store_all(self, resources: Iterable[Resource]) -> Written:
        return self._store(self._transaction, [one.draft() for one in resources], at=self._now)

    def _delete(self, entries: Iterable[Entry]) -> None:
        deletions: list[tuple[Entry, Key | None]] = []
        for entry in entries:
            with _at(entry):
                key = self._addressed(entry)
                stored = current(self._context, self._transaction, *key) if key is not None else None
                refuse_stale(entry.request, stored)
                if key is not None:
                    self._touch(key, entry)
                deletions.append((entry, key))
        keys = [key for _, key in deletions if key is not None]
        # What comes after, as conditional creates do, must find them gone.
        made = self._store(self._transaction, [], deletions=keys, at=self._now) if keys else Written()
        for entry, key in deletions:
            self._answers[entry.position] = deleted(entry.request, None if key is None else made.versions.get(key))

    def _created_by(self, entry: Entry) -> Iterator[Resource]:
        """What is to be created; nothing where `If-None-Exist` finds it."""
        resource_type, request = entry.request.variables["type"], entry.request
        if (one := self._ahead.get(entry.position)) is not None:
            yield self._known(one)
            return
        tree = _brought(entry, resource_type)
        criteria = none_exist(self._context, request)
        resource_id = str(uuid4())
        if criteria is not None:
            first = self._created.setdefault((resource_type, criteria), resource_id)
            if first != resource_id:
                self._repeated.append((entry, (resource_type, first)))
                self._name(entry, (resource_type, first))
                return
            found = sole(self._context, self._transaction, resource_type, criteria, self._base)
            if found is not None:
                del self._created[resource_type, criteria]
                stored = self._context.repository.read(self._transaction, resource_type, found)
                assert stored is not None, "what was just found is there"
                self._answers[entry.position] = unchanged(request, resource_type, found, stored)
                self._name(entry, (resource_type, found))
                return
        yield self._bringing(entry, (resource_type, resource_id), tree)

    def _updated_by(self, entry: Entry) -> Resource:
        request, resource_type = entry.request, entry.request.variables["type"]
        one = self._ahead.get(entry.position)
        if one is not None:
            key, tree = one.key, one.tree
        else:
            tree = _brought(entry, resource_type)
            key = (resource_type, target(self._context, self._transaction, request, tree.get("id")))
        if names_version(request):
            refuse_stale(request, current(self._context, self._transaction, *key))
        return self._bringing(entry, key, tree) if one is None else self._known(one)

    def _patched_by(self, entry: Entry) -> Resource | Entry:
        """The patch that goes to a resource; the entry itself where it goes to none: to be refused like any other."""
        key = self._addressed(entry)
        if key is None:
            return entry
        self._touch(key, entry)
        patch = entry.tree if entry.tree is not None and entry.tree["resourceType"] == "Parameters" else {}
        return Resource(entry=entry, type=key[0], id=key[1], tree=patch)

    def _patch(self, patch: Resource | Entry) -> None:
        entry = patch if isinstance(patch, Entry) else patch.entry
        request = entry.request
        if isinstance(patch, Resource):
            body = encoded(patch.tree) if patch.rewritten else request.body
            request = replace(request, path=patch.key, query="", body=body)
        with _at(entry):
            self._answers[entry.position] = self._context.perform(self._context, self._transaction, request)

    def _addressed(self, entry: Entry) -> Key | None:
        """The resource that an address names, by id or by criteria; None where there can be none."""
        request, resource_type = entry.request, entry.request.variables["type"]
        resource_id = request.variables.get("id")
        if resource_id is None:
            resource_id = sole(self._context, self._transaction, resource_type, request.query, self._base)
        return None if resource_id is None or not ID.fullmatch(resource_id) else (resource_type, resource_id)

    def _known(self, one: Resource) -> Resource:
        self._touch(one.key, one.entry)
        return one

    def _bringing(self, entry: Entry, key: Key, tree: dict[str, Any]) -> Resource:
        self._touch(key, entry)
        self._name(entry, key)
        tree["id"] = key[1]
        return Resource(entry=entry, type=key[0], id=key[1], tree=tree)

    def _touch(self, key: Key, entry: Entry) -> None:
        first = self._touched.setdefault(key, entry)
        if first is not entry:
            raise _wrong(
                entry.place,
                f"dieselbe Ressource wie {first.place}; erwartet wird ein Eintrag je Ressource",
                f"the same resource as {first.place}; expected one entry a resource",
                "duplicate",
            )

    def _name(self, entry: Entry, key: Key) -> None:
        if name := named(entry, key, self._base):
            self._names[name] = "/".join(key)

    def _rename(self, resources: Iterable[Resource]) -> None:
        """Have every link to a resource of the Bundle say its address here."""
        for one in resources:
            if one.issues is None:
                one.links = links(one.tree, uris=bool(self._names))
                one.rename(self._names, self._base)

    def _conditions(self, resources: Iterable[Resource]) -> list[_Condition]:
        """The conditional references; where they stood, an id of the right type stands until they are resolved."""
        found = []
        for one in resources:
            for link in one.links:
                if one.issues is None and (match := criteria(self._context, link, self._base)):
                    found.append(_Condition(resource=one, link=link, type=match[1], criteria=match[2]))
                    one.rewrite(link, f"{match[1]}/{uuid4()}")
        return found

    def _refuse_invalid(
        self, resources: Iterable[Resource], bringing: Iterable[Resource], conditions: Iterable[_Condition]
    ) -> None:
        """Raises `Invalid` with all that is wrong with the resources, references into the void included."""
        issues: list[Issue] = []
        for one in resources:
            place = f"{one.entry.place}.resource"
            found = validate(self._context, self._transaction, one.tree, place=place, base=one.issues)
            issues += [issue for issue in found if issue.severity == "error"]
            if len(issues) > _MOST_ISSUES:
                break
        unresolved = {(id(condition.link.owner), condition.link.key) for condition in conditions}
        wanted: dict[Target, str] = {}
        for one in bringing:
            for link in one.links:
                if link.kind != "reference" or (id(link.owner), link.key) in unresolved:
                    continue
                named = target_of(link.text, self._base)
                if named is not None:
                    wanted.setdefault(named, f"{one.entry.place}.resource{link.place}")
                elif link.text.startswith(_PLACEHOLDER):
                    issues.append(_dangling(f"{one.entry.place}.resource{link.place}"))
        issues += [_dangling(wanted[missing]) for missing in self._missing(wanted)]
        if issues:
            raise Invalid(*issues[:_MOST_ISSUES])

    def _missing(self, wanted: Iterable[Target]) -> list[Target]:
        by_type: dict[str, list[Target]] = {}
        for one in wanted:
            entry = self._touched.get((one.type, one.id))
            if entry is None or entry.request.method == "DELETE":
                by_type.setdefault(one.type, []).append(one)
        statement = _there(self._context.repository.projection.name)
        missing: list[Target] = []
        for resource_type, targets in by_type.items():
            ids = [one.id for one in targets]
            found = {row[0] for row in self._transaction.all(statement, {"type": resource_type, "ids": ids})}
            missing += [one for one in targets if one.id not in found]
        return missing

    def _resolve(self, conditions: Sequence[_Condition], resources: Sequence[Resource]) -> None:
        """Have conditional references say what they find, in what there is when the transaction is done."""
        if not conditions:
            return
        touched = {resource_type for resource_type, _ in self._touched}
        asked = {(one.type, one.criteria): one for one in conditions}
        found: dict[tuple[str, str], str] = {}
        # What the transaction itself writes is found by writing it, which is undone.
        later: list[_Condition] = []
        for key, one in asked.items():
            if one.type in touched or "." in one.criteria or "_has" in one.criteria:
                later.append(one)
            else:
                found[key] = self._found(one)
        if later:
            with contextlib.suppress(_Refused), self._transaction.savepoint():
                self._store_all(resources)
                for one in later:
                    found[one.type, one.criteria] = self._found(one)
                raise _Refused
        for one in conditions:
            one.resource.rewrite(one.link, f"{one.type}/{found[one.type, one.criteria]}")

    def _found(self, condition: _Condition) -> str:
        context, entry = self._context, condition.resource.entry
        with _at(entry):
            pairs, registry = pairs_of(condition.criteria), context.registry()
            projection = context.repository.projection
            ids = matching(self._transaction, projection, registry, condition.type, pairs, self._base)
        if len(ids) != 1:
            de, en = ("mehrere", "several") if ids else ("keine", "no")
            raise PreconditionFailed(
                Issue(
                    code="conditional-reference",
                    fhir_code="multiple-matches" if ids else "not-found",
                    place=f"{entry.place}.resource{condition.link.place}",
                    text_de=f"{de} {condition.type} zu der Bedingung des Verweises; erwartet wird genau eine",
                    text_en=f"{en} {condition.type} by the criteria of the reference; expected exactly one",
                )
            )
        return str(ids[0])


def _brought(entry: Entry, resource_type: str) -> dict[str, Any]:
    if entry.tree is None or entry.tree["resourceType"] != resource_type:
        raise _wrong(
            f"{entry.place}.resource",
            f"die Adresse nennt {resource_type}; erwartet wird eine Ressource dieses Typs",
            f"the address says {resource_type}; expected a resource of this type",
            "invalid",
        )
    return entry.tree


def _refuse_doubles(entries: Iterable[Entry]) -> None:
    seen: dict[str, Entry] = {}
    for entry in entries:
        if entry.full_url and (first := seen.setdefault(entry.full_url, entry)) is not entry:
            raise _wrong(
                f"{entry.place}.fullUrl",
                f"dieselbe fullUrl wie {first.place}; erwartet wird für jede Ressource eine eigene",
                f"the same fullUrl as {first.place}; expected one of its own for each resource",
                "duplicate",
            )


def _dangling(place: str) -> Issue:
    return Issue(
        code="unknown-target",
        fhir_code="not-found",
        place=place,
        text_de="das Ziel des Verweises gibt es weder hier noch in der Transaktion; der Absender berichtigt den "
        "Verweis oder bringt das Ziel mit",
        text_en="the target of the reference is neither here nor in the transaction; the sender corrects the "
        "reference or brings the target along",
    )


def _wrong(place: str, text_de: str, text_en: str, fhir_code: str = "value") -> Malformed:
    return Malformed(
        Issue(code="transaction-entry", fhir_code=fhir_code, place=place, text_de=text_de, text_en=text_en)
    )


@cache
def _there(view: str) -> Prepared:
    resource = VIEWS[view].resource
    return Prepared(
        select(resource.c.id).where(
            resource.c.type == bindparam("type"), one_of(resource.c.id, "ids"), resource.c.deleted.is_(False)
        )
    )
