"""Rules that nobody would write and the language allows: for what has to hold for every rule."""

from __future__ import annotations

from hypothesis import strategies as some

from anka.domain.facts import EVIDENCE
from anka.domain.policy import vocabulary as words
from anka.domain.policy.grammar import LONGEST_CLOCK, Choice, Rule, RuleTableError
from anka.domain.policy.sense import REFUNDS_OF_ROUTE, SHARES, Place
from anka.domain.policy.vocabulary import ALWAYS, Bound, Condition, When

IDS = some.from_regex(r"[a-z][a-z0-9-]{0,47}", fullmatch=True)
# Whatever may stand in a sentence: characters that can be seen, without braces, which mark places, and without marks of HTML.
LETTERS = some.characters(blacklist_categories=["Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"], blacklist_characters="{}<>")
MINUTES = some.one_of(some.integers(0, 10**9 - 1).map(str), some.sampled_from(words.LIMITS))
PER_CENT = some.integers(0, 100).map(str)
OPERATORS = some.sampled_from(["<=", ">=", "<", ">", "="])


def _values(name: str) -> some.SearchStrategy[tuple[str, tuple[str, ...]]]:
    most = 1 if name in words.TRUTHS else 4
    listed = some.lists(some.sampled_from(words.FEATURES[name]), min_size=1, max_size=most, unique=True)
    return listed.map(lambda chosen: (name, tuple(chosen)))


def _bounds(name: str) -> some.SearchStrategy[list[Bound]]:
    limits = PER_CENT if name in ("progress", "delivered_percent") else MINUTES
    listed = some.lists(some.builds(Bound, subject=some.just(name), operator=OPERATORS, limit=limits), min_size=1, max_size=2)
    return listed.filter(lambda bounds: _possible((Condition(bounds=tuple(bounds)),)))


def _possible(when: When) -> bool:
    try:
        Place(where="generated").possible("when", when)
    except RuleTableError:
        return False
    return True


@some.composite
def conditions(draw: some.DrawFn) -> Condition:
    """Draw a condition that says something."""
    names = draw(some.lists(some.sampled_from((*words.FEATURES, *words.NUMBERS)), min_size=1, max_size=4, unique=True))
    values = tuple(draw(_values(name)) for name in names if name in words.FEATURES)
    bounds = tuple(bound for name in names if name in words.NUMBERS for bound in draw(_bounds(name)))
    return Condition(values=values, bounds=bounds)


WHENS: some.SearchStrategy[When] = some.lists(conditions(), min_size=1, max_size=3).map(tuple).filter(_possible)


def choices(values: some.SearchStrategy[object]) -> some.SearchStrategy[Choice]:  # type: ignore[type-arg]  # of whatever the values are
    """Draw a value, or several with their conditions and a last one that always counts."""
    entries = some.lists(some.tuples(WHENS, values), max_size=2)
    return some.builds(lambda first, last: (*first, (ALWAYS, last)), entries, values)


def _sentences(*places: str) -> some.SearchStrategy[str]:
    return some.builds(lambda text, place: f"{text}{place}x", some.text(LETTERS, max_size=20), some.sampled_from(["", *places]))


def _refunds(pattern: str | None, route: str | None) -> tuple[str, ...]:
    if pattern == "refusal":
        return ()
    return REFUNDS_OF_ROUTE[route] if route else tuple(refund for refund in words.REFUNDS if refund != "agreed")


@some.composite
def rules(draw: some.DrawFn, identifiers: some.SearchStrategy[str] = IDS) -> Rule:
    """Draw a rule of any pattern, with whatever its pattern and its refund let it say."""
    pattern = draw(some.sampled_from([None, *words.PATTERNS]))
    turn, plain = pattern == "turn", pattern is None
    route = draw(some.sampled_from(sorted(REFUNDS_OF_ROUTE))) if plain else None
    refunds = _refunds(pattern, route)
    refund = draw(some.sampled_from(refunds)) if refunds else None
    share = refund in SHARES
    money = some.one_of(some.none(), some.integers(1, 10**12)) if share else some.none()
    fee = draw(some.one_of(some.none(), some.integers(1, 99))) if share else None
    sentences = _sentences("{window_days}", *(["{percent}"] if share else []), *(["{fee_percent}"] if fee is not None else []))
    silences = ("escalate",) if refund == "negotiable" else words.SILENCES
    return Rule(
        position=draw(some.integers(0, 10**6)),
        id=draw(identifiers),
        file="generated.toml",
        when=draw(some.one_of(some.just(ALWAYS), WHENS)),
        pattern=pattern,
        route=route,
        refund=refund,
        fault=draw(choices(some.sampled_from(words.FAULTS))) if turn or plain else (),
        goods=draw(choices(some.sampled_from((*words.GOODS_AFTER, *words.GOODS_TERMS)))) if turn or plain else (),
        clock=draw(choices(some.integers(1, LONGEST_CLOCK))) if turn else (),
        silence=draw(some.sampled_from(silences)) if turn else None,
        replacement_first=draw(some.one_of(some.just(()), choices(some.booleans()))) if plain else (),
        evidence=tuple(draw(some.lists(some.sampled_from(EVIDENCE), max_size=3, unique=True))) if route in (None, "platform") else (),
        compensation_minor=draw(money),
        keep_minor=draw(money),
        fee_percent=fee,
        zh=draw(sentences),
        en=draw(sentences),
    )
