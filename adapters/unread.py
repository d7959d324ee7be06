"""What a receipt counts as unread and is no field that it may name: our names for it, and what they are in German."""

from collections.abc import Mapping

from mappings.patient_filter import WITHHELD_NAME

__all__ = ["GERMAN", "OTHER_SHEETS", "ROWS_ABOVE"]

ROWS_ABOVE = "(rows above the header)"
OTHER_SHEETS = "(other sheets)"
GERMAN: Mapping[str, str] = {
    ROWS_ABOVE: "(Zeilen über der Kopfzeile)",
    OTHER_SHEETS: "(andere Blätter)",
    WITHHELD_NAME: "(Feld, dessen Name nicht gezeigt wird)",
}
