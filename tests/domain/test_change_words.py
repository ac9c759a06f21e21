"""Which changes of a fact are said, written a second time: each of them by its own words, and no other."""

from anka.domain.facts import VALUES as WORDS
from anka.domain.policy.change_words import STAGES, VALUES

SAID: dict[str, list[str | int | bool | None]] = {
    "notice": ["confirmed", "shown"],
    "use_check": ["invalid", "used_before_reveal", "unused", "used_after_reveal", "unknown"],
    "used_by": ["other", "buyer", "unknown"],
    "voidable": [True, False],
    "matches_order": ["no", "yes"],
    "login_seen": ["yes", "no", "unknown"],
    "delivered_percent": [None, 0, 100],
    "upstream": ["cancelled", "failed", "cancellable", "locked", "done", "unknown", "none"],
    "progress_percent": [0, 100],
    "merchant_answer": ["agreed", "refused", "silent", "none"],
    "dispute": ["none", "chargeback"],
    "asker": ["buyer", "merchant"],
}
ALL = {"card_key", "account", "rental", "top_up", "boosting"}
OPENED = {"revealed", "delivered", "used"}
STAGES_SAID: list[tuple[set[str], set[str], str]] = [
    ({"card_key"}, OPENED, "sealed"),
    ({"account"}, OPENED, "sealed"),
    ({"rental"}, {"working", "delivered"}, "sealed"),
    ({"card_key"}, {"used"}, "revealed"),
    ({"card_key"}, {"sealed"}, "revealed"),
    ({"account"}, {"sealed"}, "revealed"),
    ({"card_key"}, {"revealed"}, "used"),
    (ALL, {"accepted", "working", "sealed"} | OPENED, "queued"),
    (ALL, {"working"}, "accepted"),
    (ALL, {"queued"}, "accepted"),
    (ALL, {"reserved"}, "queued"),
    ({"top_up", "boosting"}, {"queued", "accepted"}, "working"),
    ({"top_up", "boosting"}, {"accepted", "working"}, "delivered"),
]


def test_these_values_are_said_and_no_others() -> None:
    assert {(fact, repr(value)) for fact, value in VALUES} == {(fact, repr(value)) for fact, values in SAID.items() for value in values}


def test_every_word_said_is_one_of_the_facts() -> None:
    for fact, value in VALUES:
        if fact in WORDS:
            assert value in WORDS[fact]


def test_these_stages_are_said_the_most_telling_first() -> None:
    assert [(set(change.goods), set(change.before), change.stage) for change in STAGES] == STAGES_SAID


def test_no_two_changes_are_said_alike() -> None:
    told = [said.zh for said in VALUES.values()] + [said.en for said in VALUES.values()]
    assert len(set(told)) == len(told)
