"""The numbers of this installation in the text format of Prometheus 0.0.4, for the operator alone: to others there is nothing here.

Requests are summed over all web processes of the machine, gauges are read from the database.
"""

import hmac
from collections.abc import Iterator, Mapping

from anka.api.call import Answer, Call
from anka.api.problems import UnknownPath
from anka.core.refusals import DatabaseUnavailable
from anka.core.tallies import BOUNDS, STATUSES, Tallies
from anka.jobs import gauges

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# Whoever came through a proxy comes from anywhere, whatever address the connection has.
FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA")
BEARER = "anka.bearer"
LOOPBACK = ("127.0.0.1", "::1", "::ffff:127.0.0.1")

# The composition root puts the counters of this process and the operator's token here.
tallies: Tallies | None = None
token = ""


def metrics(call: Call) -> Answer:
    """Answer with every number, to the bearer of ANKA_METRICS_TOKEN; where there is none, to this machine itself.

    Raises:
        UnknownPath: the caller is somebody else.
    """
    if not permitted(headers=call.headers, address=call.address):
        raise UnknownPath
    return Answer(200, raw="".join(_lines(call)).encode(), content_type=CONTENT_TYPE)


def permitted(*, headers: Mapping[str, object], address: str) -> bool:
    """Tell whether this caller is the operator."""
    if token:
        given = str(headers.get(BEARER, ""))
        return hmac.compare_digest(given.encode(), f"Bearer {token}".encode())
    return address in LOOPBACK and not any(name in headers for name in FORWARDED)


def _lines(call: Call) -> Iterator[str]:
    if tallies is not None:
        yield from requests(totals=tallies.totals())
    yield "# HELP anka_up Whether the database could be read.\n# TYPE anka_up gauge\n"
    try:
        readings = gauges.read(at=call.at)
    except DatabaseUnavailable:
        yield "anka_up 0\n"
        return
    yield "anka_up 1\n"
    for reading in readings:
        gauge = reading.gauge
        yield f"# HELP {gauge.name} {escaped(gauge.help)}\n# TYPE {gauge.name} gauge\n"
        for labels, number in reading.numbers:
            yield f"{gauge.name}{labelled(dict(zip(gauge.labels, labels, strict=True)))} {number:.15g}\n"


def requests(*, totals: Mapping[str, list[int]]) -> Iterator[str]:
    """Yield the lines of the request counters and of the histogram of their durations, by route."""
    yield "# HELP anka_requests_total Requests answered.\n# TYPE anka_requests_total counter\n"
    for route, cells in totals.items():
        for status, number in zip(STATUSES, cells, strict=False):
            if number:
                yield f"anka_requests_total{labelled({'route': route, 'status': str(status or 'other')})} {number}\n"
    yield "# HELP anka_request_seconds How long requests took.\n# TYPE anka_request_seconds histogram\n"
    for route, cells in totals.items():
        total = 0
        for bound, number in zip((*map(str, BOUNDS), "+Inf"), cells[len(STATUSES) : -1], strict=True):
            total += number
            yield f"anka_request_seconds_bucket{labelled({'route': route, 'le': bound})} {total}\n"
        yield f"anka_request_seconds_sum{labelled({'route': route})} {cells[-1] / 1e6:.6f}\n"
        yield f"anka_request_seconds_count{labelled({'route': route})} {total}\n"


def labelled(labels: Mapping[str, str]) -> str:
    """Return labels as they stand behind a name, or nothing where there are none."""
    inside = ",".join(f'{name}="{escaped(text)}"' for name, text in labels.items())
    return f"{{{inside}}}" if inside else ""


def escaped(text: str) -> str:
    """Return a text as it may stand between quotes, or behind HELP."""
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
