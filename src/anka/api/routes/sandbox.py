"""Playing the market: only in a sandbox."""

from anka.api import bodies, sandbox, shapes
from anka.api.call import V1, Route, Who
from anka.jobs.sandbox_issuer import PlayedIssuer
from anka.jobs.sandbox_play import Played

ROUTES: tuple[Route, ...] = (
    Route(
        method="POST",
        path=f"{V1}/sandbox/clock",
        handler=sandbox.move_clock,
        who=Who.SANDBOX,
        tag="sandbox",
        body=bodies.MoveClock,
        answer=shapes.ClockAnswer,
        zh="拨快市场的时钟；到期的计时先执行完再返回",
        en="Move the market's time; clocks that fall are carried out before it answers",
    ),
    Route(
        method="POST",
        path=f"{V1}/sandbox/payments/{{number}}",
        handler=sandbox.play_payment,
        who=Who.SANDBOX,
        tag="sandbox",
        body=bodies.PlayPayment,
        answer=Played,
        refusals=(404, 409),
        zh="扮演支付渠道：付款成功、失败或关闭，可带故障",
        en="Play the gateway for a payment: paid, failed or closed, with faults on request",
    ),
    Route(
        method="POST",
        path=f"{V1}/sandbox/refunds/{{number}}",
        handler=sandbox.play_refund,
        who=Who.SANDBOX,
        tag="sandbox",
        body=bodies.PlayRefund,
        answer=Played,
        refusals=(404, 409),
        zh="扮演支付渠道：退款成功、关闭、异常或不明",
        en="Play the gateway for a refund: succeeded, closed, abnormal or unknown",
    ),
    Route(
        method="POST",
        path=f"{V1}/sandbox/complaints",
        handler=sandbox.play_complaint,
        who=Who.SANDBOX,
        tag="sandbox",
        body=bodies.PlayComplaint,
        answer=Played,
        refusals=(404, 409),
        zh="扮演付款人：向支付渠道投诉或发起拒付；带 outcome 时由渠道裁定",
        en="Play the payer: complain to the channel, or charge the payment back; with an outcome, let the channel decide",
    ),
    Route(
        method="POST",
        path=f"{V1}/sandbox/issuer/{{unit}}",
        handler=sandbox.play_issuer,
        who=Who.SANDBOX,
        tag="sandbox",
        body=bodies.PlayIssuer,
        answer=PlayedIssuer,
        refusals=(404, 409),
        zh="扮演发行方：这张卡密是否已用、被谁使用、能否作废",
        en="Play the issuer: whether a key was used, by whom, and whether it can be voided",
    ),
)
