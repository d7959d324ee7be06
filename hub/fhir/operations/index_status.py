"""SearchParameter/$index-status: how far the indexing by a new search parameter is.

https://hl7.org/fhir/R4/operations.html
"""

import orjson

from hub.fhir.context import Context
from hub.fhir.request import Answer, Request
from hub.store.reader import Reader

__all__ = ["NAME", "RESOURCE", "ROUTES", "WRITES", "answer"]

NAME = "index-status"
RESOURCE = "SearchParameter"
ROUTES = (("GET", f"/{RESOURCE}/${NAME}"),)
WRITES = False


def answer(context: Context, reader: Reader, _request: Request) -> Answer:
    """Whether it is running, and how many resources of how many are done."""
    running, done, total = context.index_progress(reader)
    parameters = [
        {"name": "running", "valueBoolean": running},
        {"name": "done", "valueInteger": done},
        {"name": "total", "valueInteger": total},
    ]
    return Answer(content=orjson.dumps({"resourceType": "Parameters", "parameter": parameters}))
