"""Signing in, wallets and notices."""

from anka.accounts.tokens import Scope
from anka.api import bodies, inbox, shapes, shapes_of_inbox, sign_in
from anka.api.buyer import wallet
from anka.api.call import V1, Route, Who

ROUTES: tuple[Route, ...] = (
    Route(
        method="POST",
        path=f"{V1}/auth/token",
        handler=sign_in.sign_in,
        who=Who.ANYONE,
        tag="auth",
        body=bodies.SignIn,
        answer=shapes.TokenAnswer,
        refusals=(401, 429),
        zh="用户名和密码换取访问令牌，30 天有效",
        en="Exchange a name and a password for a token that is good for 30 days",
    ),
    Route(
        method="POST",
        path=f"{V1}/auth/step-up",
        handler=sign_in.step_up,
        who=Who.SIGNED_IN,
        scope=Scope.READ,
        tag="auth",
        body=bodies.StepUp,
        answer=shapes.StepUpAnswer,
        refusals=(401, 429),
        zh="再输一次密码，让登录会话可以做要求近期登录的事",
        en="Give the password again, so that a session may do what asks for a recent sign-in",
    ),
    Route(
        method="GET",
        path=f"{V1}/wallet",
        handler=wallet.show,
        who=Who.SIGNED_IN,
        tag="wallet",
        scope=Scope.READ,
        query=bodies.Page,
        answer=shapes.Wallet,
        zh="钱包余额与明细",
        en="The wallet's balance and statement",
    ),
    Route(
        method="GET",
        path=f"{V1}/notices",
        handler=inbox.index,
        who=Who.SIGNED_IN,
        tag="notices",
        scope=Scope.READ,
        query=bodies.Page,
        answer=shapes_of_inbox.NoticeList,
        zh="告诉我的事：作为买家、店铺成员或平台人员，新的在前",
        en="What you were told as a buyer, for your shops and for the platform, newest first",
    ),
    Route(
        method="POST",
        path=f"{V1}/notices/read",
        handler=inbox.read,
        who=Who.SIGNED_IN,
        tag="notices",
        scope=Scope.READ,
        body=bodies.ReadNotices,
        answer=shapes_of_inbox.NoticesRead,
        zh="把到这一条为止的消息标为已读",
        en="Mark everything up to and with one notice as read",
    ),
)
