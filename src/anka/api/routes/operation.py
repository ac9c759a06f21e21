"""What payment channels and operators call."""

from anka.api import documents, health, metrics, notices, shapes
from anka.api.call import V1, Route, Who

ROUTES: tuple[Route, ...] = (
    Route(
        method="POST",
        path=f"{V1}/notify/{{channel}}",
        handler=notices.receive,
        who=Who.GATEWAY,
        tag="gateway",
        raw_body=True,
        largest_body=65_536,
        answer=None,
        zh="支付渠道的通知，格式与应答由渠道规定，凭签名辨认",
        en="Messages of a payment channel, in its own format, believed by their signature only",
    ),
    Route(
        method="GET",
        path=f"{V1}/openapi.json",
        handler=documents.openapi,
        who=Who.ANYONE,
        tag="operation",
        answer=None,
        zh="本接口的 OpenAPI 3.1 文档",
        en="This API as an OpenAPI 3.1 document",
    ),
    Route(
        method="GET",
        path="/livez",
        handler=health.livez,
        who=Who.ANYONE,
        tag="operation",
        answer=shapes.Health,
        zh="进程是否存活",
        en="Whether the process lives",
    ),
    Route(
        method="GET",
        path="/readyz",
        handler=health.readyz,
        who=Who.ANYONE,
        tag="operation",
        answer=shapes.Health,
        refusals=(503,),
        zh="数据库可用且结构已就绪时才返回 200",
        en="200 only where the database answers and its schema is in place",
    ),
    Route(
        method="GET",
        path="/metrics",
        handler=metrics.metrics,
        who=Who.ANYONE,
        tag="operation",
        answer=None,
        refusals=(404,),
        zh="运行指标，Prometheus 文本格式；只答运营者（ANKA_METRICS_TOKEN，未设时只答本机）",
        en="Numbers for a monitor, for the operator alone (ANKA_METRICS_TOKEN; without it, this machine itself)",
    ),
)
