"""What can be wrong with an expression, and with evaluating one
(https://hl7.org/fhirpath/N1/#functions)."""

__all__ = ["CannotEvaluate", "NotFhirPath", "TooCostly"]


class NotFhirPath(ValueError):
    """A text that is no FHIRPath that we take: why, and at which character of it."""

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(f"character {position + 1}: {reason}")
        self.reason = reason
        self.position = position


class CannotEvaluate(ValueError):
    """An expression that the values at hand have no result for: "signal an error" in the words of the standard.

    The reason names operators and types, never a value of the resource.
    """


class TooCostly(CannotEvaluate):
    """An evaluation that was stopped because it visited more nodes, or made longer texts, than any that is meant."""
