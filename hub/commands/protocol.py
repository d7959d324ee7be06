"""`platzfrei protocol verify FILE`: whether a search protocol is as a known hub signed it; without a network."""

import argparse
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import orjson

from conformance.formats.grouped import grouped
from hub.commands.options import parser, run, settings, text
from hub.fhir.search_protocol.check import Checked, checked
from hub.fhir.search_protocol.signing import Signer, thumbprint
from hub.keys import Key
from mappings.errors import Issue, Rejected
from mappings.local_time import moment_text
from mappings.terminology import Language

__all__ = ["main"]

_BYTES_MAX = 64 * 1024 * 1024


def main(arguments: Sequence[str]) -> int:
    """The command."""
    made = parser(
        "protocol",
        "Check a search protocol as it was saved, FHIR (JSON or XML) or HTML: exit status 0 where all of it is as it "
        "was signed, by a key that is known here.",
    )
    made.add_argument("what", choices=("verify",), metavar="verify")
    made.add_argument("file", metavar="FILE", type=Path)
    made.add_argument(
        "--keys",
        metavar="FILE",
        type=Path,
        help="the keys that count, as a hub serves them at /.well-known/jwks.json; default: this hub's own",
    )
    return run(made, arguments, _command)


def _command(options: argparse.Namespace) -> int:
    found = checked(_read(options.file, "FILE"))
    if found is None:
        raise Rejected(
            Issue(
                code="search-protocol",
                place=str(options.file),
                text_de="das ist kein Suchprotokoll: erwartet wird die Datei, wie $search-protocol sie geliefert hat, "
                "FHIR (JSON oder XML) oder HTML",
                text_en="this is no search protocol: expected the file as $search-protocol delivered it, FHIR (JSON or "
                "XML) or HTML",
            )
        )
    known = _known(options)
    good = found.is_whole and found.fingerprint in known
    print(_told(found, known, options))
    return 0 if good else 1


def _told(found: Checked, known: frozenset[str], options: argparse.Namespace) -> str:
    if found.document is None and (found.page is None or not found.is_page):
        return text(
            options,
            "VERÄNDERT: die Signatur passt nicht zum Inhalt. Diese Datei beweist nichts.",
            "CHANGED: the signature does not go with the content. This file proves nothing.",
        )
    made_at = _moment(found.made_at, options.language)
    facts = text(
        options,
        f"Kennung {found.number}, erstellt {made_at} von {found.base}\nSchlüssel {found.fingerprint}",
        f"identifier {found.number}, made {made_at} by {found.base}\nkey {found.fingerprint}",
    )
    if not found.is_whole:
        verdict = text(
            options,
            "VERÄNDERT: die lesbare Seite wurde verändert. Das FHIR-Protokoll, das in ihr steckt, ist unverändert"
            if found.document
            else "VERÄNDERT: das FHIR-Protokoll in der Seite ist nicht, wie es signiert wurde",
            "CHANGED: the readable page was changed. The FHIR protocol inside it is unchanged"
            if found.document
            else "CHANGED: the FHIR protocol in the page is not as it was signed",
        )
    elif found.fingerprint in known:
        verdict = text(options, "gültig: unverändert seit der Signatur", "valid: unchanged since it was signed")
    else:
        verdict = text(
            options,
            "UNBEKANNTER SCHLÜSSEL: unverändert, aber von niemandem signiert, den dieser Rechner kennt. Die Schlüssel "
            "des Servers angeben: --keys jwks.json (er liefert sie unter /.well-known/jwks.json)",
            "UNKNOWN KEY: unchanged, but signed by nobody whom this machine knows. Give the server's keys: --keys "
            "jwks.json (it serves them at /.well-known/jwks.json)",
        )
    return f"{verdict}\n{facts}"


def _known(options: argparse.Namespace) -> frozenset[str]:
    """The thumbprints that count."""
    if options.keys is not None:
        try:
            return frozenset(thumbprint(one) for one in orjson.loads(_read(options.keys, "--keys"))["keys"])
        except (ValueError, KeyError, TypeError):
            raise Rejected(
                Issue(
                    code="key-set",
                    place="--keys",
                    text_de="erwartet wird ein JWK Set, wie ein Server es unter /.well-known/jwks.json liefert",
                    text_en="expected a JWK Set as a server serves it at /.well-known/jwks.json",
                )
            ) from None
    path = settings(options).key_file
    # To check is no reason to make a key.
    if not path.exists():
        return frozenset()
    return frozenset({Signer.of(Key.of(path).derived("search protocol")).fingerprint})


def _read(path: Path, place: str) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_BYTES_MAX + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise Rejected(
            Issue(
                code="file",
                place=place,
                text_de=f"{path} ist nicht lesbar: {reason}",
                text_en=f"{path} cannot be read: {reason}",
            )
        ) from None
    if len(content) > _BYTES_MAX:
        raise Rejected(
            Issue(
                code="too-large",
                place=place,
                text_de=f"{path} ist größer als {grouped(_BYTES_MAX)} Bytes",
                text_en=f"{path} is larger than {_BYTES_MAX:,} bytes",
            )
        )
    return content


def _moment(told: str, language: Language) -> str:
    try:
        return moment_text(datetime.fromisoformat(told), language, seconds=True)
    except ValueError:
        return told  # Whoever signs with a key of their own may say anything.
