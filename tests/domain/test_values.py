"""What every module of the domain keeps to: values stay as they were made, states and refusals are called what is stored and sent."""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import StrEnum

import anka.domain
from tests.domain import written_again
from tests.domain.written_again import rows

SUMS = {"Money", "Tally"}
"""What a back-test adds up as it goes; everything else stays as it was made."""


def classes() -> Iterator[type]:
    for found in pkgutil.walk_packages(anka.domain.__path__, "anka.domain."):
        module = importlib.import_module(found.name)
        yield from (value for value in vars(module).values() if isinstance(value, type) and value.__module__ == module.__name__)


def test_values_cannot_be_changed_and_have_no_room_for_more() -> None:
    values = [kind for kind in classes() if is_dataclass(kind)]
    assert len(values) > 10
    for kind in values:
        frozen = kind.__dataclass_params__.frozen  # type: ignore[attr-defined]  # where dataclass keeps how it was made
        assert frozen != (kind.__name__ in SUMS), kind
        assert "__slots__" in vars(kind), kind


def test_what_is_easily_mixed_up_is_given_by_name() -> None:
    by_name = {kind.__name__ for kind in classes() if is_dataclass(kind) and all(field.kw_only for field in fields(kind))}
    assert by_name >= {"Captured", "Correction", "Facts", "KeyFacts", "Matched", "Opened", "Said", "Sums"}


def test_a_state_is_called_what_is_stored() -> None:
    states = [kind for kind in classes() if issubclass(kind, StrEnum)]
    assert len(states) > 10
    for kind in states:
        for name, member in kind.__members__.items():
            assert name == member.value.upper(), kind


def test_refusals_have_the_code_and_status_programs_know() -> None:
    refusals = {
        (kind.__name__, kind.code, str(getattr(kind, "status", None)))
        for kind in classes()
        if issubclass(kind, Exception) and hasattr(kind, "code")
    }
    assert refusals >= {(name, code, status) for name, code, status in rows(written_again.REFUSALS)}
