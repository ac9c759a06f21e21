"""What a back-test cannot know, said wherever its figures stand."""

CANNOT_PREDICT: tuple[dict[str, str], ...] = (
    {
        "zh": "人会随规则而变：规则不同，买家提出的理由、提出的时间和商家的应对也会不同。这里只把已经发生的情况重新判断一次。",
        "en": "People act on the rules they know: under other rules buyers would claim other things at other times, and merchants would "
        "answer otherwise. This only judges again what did happen.",
    },
    {
        "zh": "当时的事实是按旧规则收集的：旧规则不需要的记录（例如发行方的查询）可能没有留下，新规则会把它看作“未知”。",
        "en": "The facts were gathered under the old rules: a record the old rules did not need, such as an issuer's answer, may be "
        "missing, and the new rules take it as unknown.",
    },
    {
        "zh": "由双方协商、商家同意或平台裁定的金额无法预测，只计件数，不计入差额。",
        "en": "Amounts that parties negotiate, merchants agree to or the platform rules on cannot be predicted; they are counted, and no "
        "difference is made of them.",
    },
    {
        "zh": "申请之后的答复可能根本不会发生：新规则若一开始就退款，商家便不用答复；若先问商家，答复未知。"
        "尚未结束的申请和待平台处理的申请，按规则给出的比例计算。",
        "en": "Later answers might never have come: where the new rules pay at once nobody has to answer, and where they ask the merchant "
        "first the answer is not known. Cases that are still open or lie with the platform count with the share their rule names.",
    },
    {
        "zh": "已下的订单始终按下单时的规则版本处理：新规则发布后只影响生效以后下的订单，过去的钱不会改变。",
        "en": "An order keeps the version it was placed under: publishing changes nothing about past orders, only about those placed once "
        "the new version is in force.",
    },
)
