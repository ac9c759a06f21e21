"""Rules that nobody would write and the language allows: for what has to hold for every rule."""

from __future__ import annotations

from hypothesis import strategies as some

from anka.domain.facts import EVIDENCE
from anka.domain.policy import vocabulary as words
from anka.domain.policy.grammar import LONGEST_CLOCK, Choice, Rule
from anka.domain.policy.vocabulary import ALWAYS, Bound, Condition, When

IDS = some.from_regex(r"[a-z][a-z0-9-]{0,47}", fullmatch=True)
# Whatever may stand in a sentence, without the braces that mark places and without what no text holds.
LETTERS = some.characters(blacklist_categories=["Cs"], blacklist_characters="{}")
SENTENCES = some.builds(lambda text, place: f"{text}{place}x", some.text(LETTERS, max_size=20), some.sampled_from(["", "{percent}", "{{"]))
LIMITS = some.one_of(some.integers(0, 10**9 - 1).map(str), some.sampled_from(words.LIMITS))
OPERATORS = some.sampled_from(["<=", ">=", "<", ">", "="])


def _values(name: str) -> some.SearchStrategy[tuple[str, tuple[str, ...]]]:
    most = 1 if name in words.TRUTHS else 4
    listed = some.lists(some.sampled_from(words.FEATURES[name]), min_size=1, max_size=most)
    return listed.map(lambda chosen: (name, tuple(chosen)))


def _bounds(name: str) -> some.SearchStrategy[list[Bound]]:
    return some.lists(some.builds(Bound, subject=some.just(name), operator=OPERATORS, limit=LIMITS), min_size=1, max_size=2)


@some.composite
def conditions(draw: some.DrawFn) -> Condition:
    """Draw a condition that says something."""
    names = draw(some.lists(some.sampled_from((*words.FEATURES, *words.NUMBERS)), min_size=1, max_size=4, unique=True))
    values = tuple(draw(_values(name)) for name in names if name in words.FEATURES)
    bounds = tuple(bound for name in names if name in words.NUMBERS for bound in draw(_bounds(name)))
    return Condition(values=values, bounds=bounds)


WHENS: some.SearchStrategy[When] = some.lists(conditions(), min_size=1, max_size=3).map(tuple)


def choices(values: some.SearchStrategy[object]) -> some.SearchStrategy[Choice]:  # type: ignore[type-arg]  # of whatever the values are
    """Draw a value, or several with their conditions and a last one that always counts."""
    entries = some.lists(some.tuples(WHENS, values), max_size=2)
    return some.builds(lambda first, last: (*first, (ALWAYS, last)), entries, values)


@some.composite
def rules(draw: some.DrawFn, identifiers: some.SearchStrategy[str] = IDS) -> Rule:
    """Draw a rule of any pattern, with whatever its pattern lets it say."""
    pattern = draw(some.sampled_from([None, *words.PATTERNS]))
    turn, plain = pattern == "turn", pattern is None
    truth = some.booleans()
    money = some.one_of(some.none(), some.integers(0, 10**12))
    return Rule(
        position=draw(some.integers(0, 10**6)),
        id=draw(identifiers),
        file="generated.toml",
        when=draw(some.one_of(some.just(ALWAYS), WHENS)),
        pattern=pattern,
        route=draw(some.sampled_from([route for route in words.ROUTES if route != "merchant"])) if plain else None,
        refund=None if pattern == "refusal" else draw(some.sampled_from([refund for refund in words.REFUNDS if refund != "agreed"])),
        fault=draw(choices(some.sampled_from(words.FAULTS))) if turn or plain else (),
        goods=draw(choices(some.sampled_from((*words.GOODS_AFTER, *words.GOODS_TERMS)))) if turn or plain else (),
        clock=draw(choices(some.integers(0, LONGEST_CLOCK))) if turn else (),
        silence=draw(some.sampled_from(words.SILENCES)) if turn else None,
        replacement_first=draw(some.one_of(some.just(()), choices(truth))) if plain else (),
        evidence=tuple(draw(some.lists(some.sampled_from(EVIDENCE), max_size=3))),
        compensation_minor=draw(money),
        keep_minor=draw(money),
        fee_percent=draw(some.one_of(some.none(), some.integers(0, 100))),
        zh=draw(SENTENCES),
        en=draw(SENTENCES),
    )
