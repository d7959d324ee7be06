"""Holds resources against profiles: what StructureDefinitions ask beyond R4 (https://hl7.org/fhir/R4/profiling.html)."""

from conformance.formats.profiles.definition import NotAProfile
from conformance.formats.profiles.library import CodesIn, Resolve
from conformance.formats.profiles.profile import Claim, Profile, claims, findings
from conformance.formats.r4_finding import Finding

__all__ = ["Claim", "CodesIn", "Finding", "NotAProfile", "Profile", "Resolve", "claims", "findings"]
