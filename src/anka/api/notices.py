"""What payment channels tell us. The body is the channel's own, so is the answer."""

from anka.api.call import Answer, Call
from anka.jobs import notices


def receive(call: Call) -> Answer:
    """Hand a message of a channel to the job that checks and takes it, and answer as the channel wants."""
    status, content_type, body = notices.receive(channel=call.parameters["channel"], headers=_headers(call), body=call.raw_body, at=call.at)
    return Answer(status, raw=body, content_type=content_type)


def _headers(call: Call) -> dict[str, str]:
    """Return the request's headers by their names in lower case."""
    found = {name[5:].replace("_", "-").lower(): value for name, value in call.headers.items() if name.startswith("HTTP_")}
    found["content-type"] = call.headers.get("CONTENT_TYPE", "")
    return found
