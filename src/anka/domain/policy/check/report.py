"""What a check has found, as values and as data, and how it is said in both languages."""

import builtins
from dataclasses import dataclass, fields
from types import MappingProxyType

from anka.domain.facts import Facts
from anka.domain.policy.decision import Decision

Json = dict[str, object]


def short_facts(*, facts: Facts) -> Json:
    """Return facts as data without those at their defaults, so that a reader sees what matters; `Facts.from_json` reads it back.

    Goods, stage and reason have no default, so they are always there.
    """
    usual = {field.name: field.default for field in fields(Facts)}
    return {key: value for key, value in facts.to_json().items() if getattr(facts, key) != usual[key]}


@dataclass(frozen=True, slots=True)
class Finding:
    """A property that does not hold: the rule to blame, the smallest facts that show it, and the facts they are compared with, if any.

    `rule` is empty where no rule speaks (property 1); `facts` are None where a rule's condition fits no facts at all (property 2).
    """

    property: int
    rule: str
    facts: Facts | None
    decision: Decision | None
    other: tuple[Facts, Decision] | None
    zh: str
    en: str

    @builtins.property
    def key(self) -> tuple[int, str]:
        """What makes a finding the same as one of another rule set: the property and the rule."""
        return self.property, self.rule

    def to_json(self) -> Json:
        """Return the finding as data."""
        other = None if self.other is None else {"facts": short_facts(facts=self.other[0]), "decision": self.other[1].to_json()}
        return {
            "property": self.property,
            "rule": self.rule,
            "zh": self.zh,
            "en": self.en,
            "facts": None if self.facts is None else short_facts(facts=self.facts),
            "decision": None if self.decision is None else self.decision.to_json(),
            "other": other,
        }


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Something written that never decides: a rule, one alternative of its condition, or one entry of a list in its outcome.

    `part` is rule, alternative, fault, goods, clock or replacement_first; `number` counts alternatives and entries from 1. `taken_by`
    names what decides in its place, `facts` the smallest facts it would fit; it is None if there are none.
    """

    rule: str
    part: str
    number: int
    taken_by: tuple[str, ...]
    facts: Facts | None

    def to_json(self) -> Json:
        """Return it as data."""
        facts = None if self.facts is None else short_facts(facts=self.facts)
        return {"rule": self.rule, "part": self.part, "number": self.number, "taken_by": list(self.taken_by), "facts": facts}


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two rules whose conditions both hold, so that their order decides. `same` says that it makes no difference to what is decided."""

    first: str
    second: str
    same: bool
    facts: Facts

    def to_json(self) -> Json:
        """Return it as data."""
        return {"first": self.first, "second": self.second, "same": self.same, "facts": short_facts(facts=self.facts)}


@dataclass(frozen=True, slots=True)
class Report:
    """What is true of a rule set: proved, since every possible set of facts was looked at. `boxes` says in how many pieces."""

    version: str
    boxes: int
    findings: tuple[Finding, ...]
    unreachable: tuple[Unreachable, ...]
    overlaps: tuple[Overlap, ...]

    @property
    def clean(self) -> bool:
        """Whether every property holds."""
        return not self.findings

    def to_json(self) -> Json:
        """Return the report as data."""
        return {
            "version": self.version,
            "boxes": self.boxes,
            "clean": self.clean,
            "findings": [finding.to_json() for finding in self.findings],
            "unreachable": [entry.to_json() for entry in self.unreachable],
            "overlaps": [overlap.to_json() for overlap in self.overlaps],
        }


PROPERTIES: MappingProxyType[int, tuple[str, str]] = MappingProxyType(
    {
        1: ("每种情况都有规则处理", "every situation has a rule"),
        2: ("没有永远不生效的规则", "no rule is unreachable"),
        3: ("未付款、拒付、供货方结果不明时不自动退款", "nothing is refunded before payment, during a chargeback, or blindly"),
        4: ("商家有时限，沉默不让买家吃亏", "the merchant has a clock, and silence never costs the buyer"),
        5: ("拒绝退款须以买家的单独确认为依据", "a refusal rests on a confirmed notice"),
        6: ("商家同意不会比自动退款少", "agreement never pays less than an automatic refund"),
        7: ("问题商品不回库存，看过的资料不留用", "faulty goods never return to stock, seen credentials never stay"),
        8: ("拖得越久不会得到越多", "waiting never pays"),
        9: ("更充分的理由不会得到更少", "a better reason never gets less"),
        10: ("要退的份额总能算出", "a share can always be computed"),
        11: ("决定了的都能执行", "what is decided can be carried out"),
    }
)
"""What is proved, by number: the nine properties of the policy and two of ours, in zh and en."""
SENTENCES: MappingProxyType[str, tuple[int, str, str]] = MappingProxyType(
    {
        "gap": (1, "有些情况没有任何规则处理。", "There are situations no rule speaks of."),
        "unreachable": (
            2,
            "规则 {rule} 永远不会生效：它适用的情况都先由 {taken} 决定。",
            "Rule {rule} never decides: whatever it fits is decided by {taken} before.",
        ),
        "unreachable_alternative": (
            2,
            "规则 {rule} 的第 {number} 个条件永远不会生效：它适用的情况都先由 {taken} 决定。",
            "Alternative {number} of rule {rule} never decides: whatever it fits is decided by {taken} before.",
        ),
        "impossible": (
            2,
            "规则 {rule} 的第 {number} 个条件与任何可能的情况都不符。",
            "Alternative {number} of rule {rule} fits no possible situation.",
        ),
        "reserved": (3, "规则 {rule} 对尚未付款的订单退款。", "Rule {rule} refunds an order that is not paid."),
        "chargeback": (
            3,
            "规则 {rule} 在拒付期间退款，可能退两次。",
            "Rule {rule} refunds during a chargeback, so that money could go back twice.",
        ),
        "unknown": (
            3,
            "供货方结果不明时，规则 {rule} 不经平台或商家决定就会退款。",
            "While the supplier's outcome is unknown, rule {rule} lets money go back without the platform's or the merchant's decision.",
        ),
        "clock": (4, "规则 {rule} 让商家答复，却没有留出时间。", "Rule {rule} asks the merchant but leaves no time to answer."),
        "silence_refuses": (
            4,
            "商家逾期不答复，买家却因规则 {rule} 被拒绝。",
            "The merchant lets the clock run out, and by rule {rule} the buyer is refused.",
        ),
        "silence_less": (
            4,
            "商家逾期不答复，规则 {rule} 退的比原先提出的少。",
            "The merchant lets the clock run out, and rule {rule} gives less than was offered.",
        ),
        "consent": (
            5,
            "规则 {rule} 拒绝退款，而买家没有确认过“使用后不可退换”。",
            "Rule {rule} refuses although it was not confirmed that there is no refund once used.",
        ),
        "agreement": (
            6,
            "商家不表态时自动全额退款，商家同意后规则 {rule} 反而退得更少。",
            "Without an answer everything goes back by itself; once the merchant agrees, rule {rule} gives less.",
        ),
        "restock": (
            7,
            "规则 {rule} 把有问题或被投诉质量的商品放回库存。",
            "Rule {rule} puts goods back into stock that are bad, wrong or under a quality claim.",
        ),
        "credentials": (
            7,
            "规则 {rule} 全额退款后，买家看过的账号资料仍然有效。",
            "After a full refund by rule {rule}, credentials somebody has seen stay as they are.",
        ),
        "later": (
            8,
            "买家改变主意时，订单走得更远反而得到更多：规则 {rule}。",
            "A buyer who changes their mind gets more by letting the order go further: rule {rule}.",
        ),
        "reason": (
            9,
            "记录相同，只把原因从改变主意换成延误或质量问题，规则 {rule} 退得更少。",
            "On the same records, a delay or quality reason gets less than a change of mind: rule {rule}.",
        ),
        "share": (
            10,
            "规则 {rule} 按未到账部分退款，但到账比例未知，无法计算。",
            "Rule {rule} refunds the missing share where nobody knows how much arrived.",
        ),
        "goods": (
            11,
            "规则 {rule} 对商品的处理方式，在该阶段无法执行。",
            "Rule {rule} wants something done with the goods that cannot be done at that stage.",
        ),
    }
)
"""What can be wrong: the number of the property, and the sentence in zh and en."""
