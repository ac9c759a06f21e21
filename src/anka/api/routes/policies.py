"""The rules: every version for everybody, drafts for the platform's staff."""

from functools import partial

from anka.accounts.tokens import Scope
from anka.api import shapes_of_policies as shapes
from anka.api.buyer import policies
from anka.api.call import V1, Nothing, Route, Who
from anka.api.platform import policy_drafts

LARGEST = 2_097_152
_read = partial(Route, method="GET", who=Who.ANYONE, tag="products")
_step = partial(
    Route, method="POST", who=Who.SIGNED_IN, tag="platform", scope=Scope.POLICY, answer=shapes.DraftView, refusals=(403, 404, 409)
)
_DRAFTS = f"{V1}/policy-drafts"
_DRAFT = f"{_DRAFTS}/{{number}}"

ROUTES: tuple[Route, ...] = (
    _read(
        path=f"{V1}/policies",
        handler=policies.index,
        answer=shapes.PublicationList,
        zh="公布过的每一版售后规则：已公布、现行、已归档、已撤回",
        en="Every version of the rules that was ever announced: announced, in force, archived, withdrawn",
    ),
    _read(
        path=f"{V1}/policies/current",
        handler=policies.current,
        answer=shapes.PolicyView,
        zh="现行售后规则，可读文字与数据",
        en="The rules in force, readable and as data",
    ),
    _read(
        path=f"{V1}/policies/{{version}}",
        handler=policies.show,
        answer=shapes.PolicyView,
        refusals=(404,),
        zh="某一版售后规则",
        en="The rules of one version",
    ),
    _read(
        path=f"{V1}/policies/{{version}}/changes",
        handler=policies.changes,
        query=shapes.ChangesQuery,
        answer=shapes.ChangeList,
        refusals=(404,),
        zh="某一版与另一版相比改了什么",
        en="What one version changes from another",
    ),
    _step(
        path=f"{V1}/policies/{{version}}/withdraw",
        handler=policy_drafts.withdraw,
        body=shapes.NewWithdrawal,
        answer=shapes.PublicationView,
        zh="在生效前撤回已公布的规则，须写明理由；限管理员",
        en="Take announced rules back before they come into force, with a reason; for administrators",
    ),
    Route(
        method="GET",
        path=_DRAFTS,
        handler=policy_drafts.index,
        who=Who.SIGNED_IN,
        tag="platform",
        scope=Scope.READ,
        answer=shapes.DraftList,
        refusals=(403,),
        zh="规则草稿列表；限平台人员",
        en="The drafts of new rules; for the platform's staff",
    ),
    Route(
        method="GET",
        path=_DRAFT,
        handler=policy_drafts.show,
        who=Who.SIGNED_IN,
        tag="platform",
        scope=Scope.READ,
        answer=shapes.DraftView,
        refusals=(404,),
        zh="一份规则草稿：文本、检查与回测结果、等待批准的内容",
        en="One draft: its texts, what check and back-test found, what waits for approval",
    ),
    _step(
        path=_DRAFTS,
        handler=policy_drafts.create,
        body=shapes.NewDraft,
        status=201,
        largest_body=LARGEST,
        zh="新建规则草稿，以某一版为底稿或直接提交文本；限管理员",
        en="Begin a draft from a version, or from texts; for administrators",
    ),
    _step(
        path=f"{_DRAFT}/texts",
        handler=policy_drafts.edit,
        body=shapes.NewTexts,
        largest_body=LARGEST,
        zh="提交草稿的全部文本；版次不符时不保存",
        en="Give a draft other texts, all of them; refused where somebody else has edited it",
    ),
    _step(
        path=f"{_DRAFT}/check",
        handler=policy_drafts.check,
        body=Nothing,
        zh="要求检查草稿；稍后读取草稿即见结果",
        en="Ask for a check of a draft; read the draft a little later for what it found",
    ),
    _step(
        path=f"{_DRAFT}/backtest",
        handler=policy_drafts.backtest,
        body=shapes.NewBacktest,
        zh="要求用过去若干天的判定回测草稿",
        en="Ask for a draft to be tried on the decisions of the past days",
    ),
    _step(
        path=f"{_DRAFT}/publish",
        handler=policy_drafts.publish,
        body=shapes.NewPublication,
        zh="公布草稿；提前不足七天须写明理由并由另一位管理员批准",
        en="Announce a draft; less than seven days ahead needs a reason and another administrator's approval",
    ),
    _step(
        path=f"{_DRAFT}/approve",
        handler=policy_drafts.approve,
        body=shapes.NewApproval,
        zh="以第二人身份批准提前不足七天的公布",
        en="Agree as the second person to so short a notice",
    ),
    _step(
        path=f"{_DRAFT}/discard",
        handler=policy_drafts.discard,
        body=Nothing,
        zh="废弃草稿",
        en="Give a draft up",
    ),
)
