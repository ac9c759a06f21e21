"""The OpenAPI document as an endpoint. It is made once, from the table, when the process starts."""

from anka.api.call import Answer, Call
from anka.core.refusals import NotFound

_made: list[bytes] = []


def publish(document: bytes) -> None:
    """Keep the document that is to be served."""
    _made[:] = [document]


def openapi(_call: Call) -> Answer:
    """Answer with the OpenAPI 3.1 document."""
    if not _made:
        raise NotFound
    return Answer(200, raw=_made[0])
