"""What payment channels tell us. The body is the channel's own, so is the answer."""

from anka.adapters.channels.port import Incoming
from anka.api.call import Answer, Call
from anka.jobs import notices

# What is longer is no notice; its signature does not fit once it is cut.
LONGEST_QUERY = 8_192


def receive(call: Call) -> Answer:
    """Hand a message of a channel to the job that checks and takes it, and answer as the channel wants."""
    message = Incoming(
        headers=_headers(call), body=call.raw_body, method=call.method, query=str(call.headers.get("QUERY_STRING") or "")[:LONGEST_QUERY]
    )
    status, content_type, body = notices.receive(channel=call.parameters["channel"], message=message, at=call.at)
    return Answer(status, raw=body, content_type=content_type)


def _headers(call: Call) -> dict[str, str]:
    """Return the request's headers by their names in lower case."""
    found = {name[5:].replace("_", "-").lower(): value for name, value in call.headers.items() if name.startswith("HTTP_")}
    found["content-type"] = call.headers.get("CONTENT_TYPE", "")
    return found
