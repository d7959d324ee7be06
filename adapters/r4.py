"""What is wrong with one FHIR R4 resource, as far as the models of fhir.resources and a table of required codes know
(https://hl7.org/fhir/R4/validation.html).

No text repeats a value, nor the name of an element that FHIR does not know: both may be about a patient.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from mappings.errors import Issue

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["TYPES", "findings"]

_NAMES = """
    Account ActivityDefinition AdverseEvent AllergyIntolerance Appointment AppointmentResponse AuditEvent Basic
    Binary BiologicallyDerivedProduct BodyStructure Bundle CapabilityStatement CarePlan CareTeam CatalogEntry
    ChargeItem ChargeItemDefinition Claim ClaimResponse ClinicalImpression CodeSystem Communication
    CommunicationRequest CompartmentDefinition Composition ConceptMap Condition Consent Contract Coverage
    CoverageEligibilityRequest CoverageEligibilityResponse DetectedIssue Device DeviceDefinition DeviceMetric
    DeviceRequest DeviceUseStatement DiagnosticReport DocumentManifest DocumentReference EffectEvidenceSynthesis
    Encounter Endpoint EnrollmentRequest EnrollmentResponse EpisodeOfCare EventDefinition Evidence EvidenceVariable
    ExampleScenario ExplanationOfBenefit FamilyMemberHistory Flag Goal GraphDefinition Group GuidanceResponse
    HealthcareService ImagingStudy Immunization ImmunizationEvaluation ImmunizationRecommendation
    ImplementationGuide InsurancePlan Invoice Library Linkage List Location Measure MeasureReport Media Medication
    MedicationAdministration MedicationDispense MedicationKnowledge MedicationRequest MedicationStatement
    MedicinalProduct MedicinalProductAuthorization MedicinalProductContraindication MedicinalProductIndication
    MedicinalProductIngredient MedicinalProductInteraction MedicinalProductManufactured MedicinalProductPackaged
    MedicinalProductPharmaceutical MedicinalProductUndesirableEffect MessageDefinition MessageHeader
    MolecularSequence NamingSystem NutritionOrder Observation ObservationDefinition OperationDefinition
    OperationOutcome Organization OrganizationAffiliation Parameters Patient PaymentNotice PaymentReconciliation
    Person PlanDefinition Practitioner PractitionerRole Procedure Provenance Questionnaire QuestionnaireResponse
    RelatedPerson RequestGroup ResearchDefinition ResearchElementDefinition ResearchStudy ResearchSubject
    RiskAssessment RiskEvidenceSynthesis Schedule SearchParameter ServiceRequest Slot Specimen SpecimenDefinition
    StructureDefinition StructureMap Subscription Substance SubstanceNucleicAcid SubstancePolymer SubstanceProtein
    SubstanceReferenceInformation SubstanceSourceMaterial SubstanceSpecification SupplyDelivery SupplyRequest Task
    TerminologyCapabilities TestReport TestScript ValueSet VerificationResult VisionPrescription
    """

TYPES = frozenset(_NAMES.split())
"""The resource types of R4."""

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_REQUIRED_CODES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("Slot", "status"): ("busy", "free", "busy-unavailable", "busy-tentative", "entered-in-error"),
    ("Location", "status"): ("active", "suspended", "inactive"),
    ("Location", "mode"): ("instance", "kind"),
    ("identifier", "use"): ("usual", "official", "temp", "secondary", "old"),
    ("telecom", "system"): ("phone", "fax", "email", "pager", "url", "sms", "other"),
    ("telecom", "use"): ("home", "work", "temp", "old", "mobile"),
    ("address", "use"): ("home", "work", "temp", "old", "billing"),
    ("address", "type"): ("postal", "physical", "both"),
    ("availableTime", "daysOfWeek"): _DAYS,
    ("hoursOfOperation", "daysOfWeek"): _DAYS,
}
"""The codes that the models let be anything, by the element above and the element."""

# Narrative and contained resources are of no use to us, and the models stumble over unknown contained types.
_UNCHECKED = ("contained", "text")


def findings(kind: str, resource: Mapping[str, Any], place: str) -> Iterator[Issue]:
    """What is wrong with a resource of that type, each finding with its FHIRPath below `place`."""
    from pydantic import ValidationError

    checked = {name: value for name, value in resource.items() if name not in _UNCHECKED}
    try:
        _model(kind).model_validate(checked)
    except ValidationError as error:
        for details in error.errors(include_url=False, include_context=False, include_input=False):
            yield _finding(details["type"], details["loc"], place)
        return
    yield from _wrong_codes(kind, checked, place)
    if kind == "Slot":
        yield from _wrong_span(checked, place)


@cache
def _model(kind: str) -> "type[BaseModel]":
    # One module costs half a second to import, so it waits for the first resource.
    model: type[BaseModel] = getattr(import_module(f"fhir.resources.R4B.{kind.lower()}"), kind)
    return model


def _finding(kind: str, location: tuple[int | str, ...], place: str) -> Issue:
    if kind == "extra_forbidden":
        return Issue(
            code="fhir-unknown-element",
            place=_path(place, location[:-1]),
            text_de="Hier steht ein Element, das FHIR R4 nicht kennt. Der Absender muss es weglassen.",
            text_en="There is an element here that FHIR R4 does not know. The sender must leave it out.",
            fhir_code="structure",
        )
    if kind.endswith("missing"):
        return Issue(
            code="fhir-required",
            place=_path(place, location),
            text_de="Dieses Element muss es geben. Der Absender muss es ergänzen.",
            text_en="This element must be there. The sender must add it.",
            fhir_code="required",
        )
    return _not_of_type(_path(place, location))


def _not_of_type(place: str) -> Issue:
    return Issue(
        code="fhir-type",
        place=place,
        text_de="Der Wert passt nicht zum Datentyp, den FHIR R4 hier erwartet (Zeitpunkte mit Zeitzone). "
        "Der Absender muss ihn berichtigen.",
        text_en="The value does not fit the data type that FHIR R4 expects here (instants with an offset). "
        "The sender must correct it.",
        fhir_code="value",
    )


def _path(place: str, location: tuple[int | str, ...]) -> str:
    return place + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)


def _wrong_codes(above: str, node: Mapping[str, Any], place: str) -> Iterator[Issue]:
    for name, value in node.items():
        known = _REQUIRED_CODES.get((above, name))
        several = isinstance(value, list)
        for position, each in enumerate(value if several else [value]):
            path = f"{place}.{name}[{position}]" if several else f"{place}.{name}"
            if known is not None and each is not None and each not in known:
                yield Issue(
                    code="fhir-code",
                    place=path,
                    text_de=f"Erwartet ist eines von: {', '.join(known)}. Der Absender muss den Kode berichtigen.",
                    text_en=f"Expected is one of: {', '.join(known)}. The sender must correct the code.",
                    fhir_code="code-invalid",
                )
            elif isinstance(each, dict):
                yield from _wrong_codes(name, each, path)


def _wrong_span(slot: Mapping[str, Any], place: str) -> Iterator[Issue]:
    moments = {}
    for name in ("start", "end"):
        try:
            moments[name] = datetime.fromisoformat(slot[name])
            in_order = moments[name].tzinfo is not None
        except (TypeError, ValueError):
            in_order = False
        if not in_order:
            yield _not_of_type(f"{place}.{name}")
            return
    if moments["start"] >= moments["end"]:
        yield Issue(
            code="fhir-slot-span",
            place=place,
            text_de="Der Slot endet nicht nach seinem Beginn. Der Absender muss start oder end berichtigen.",
            text_en="The Slot does not end after its start. The sender must correct start or end.",
            fhir_code="invariant",
        )
