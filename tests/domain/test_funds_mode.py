"""What may be done with other people's money depends on whose hands hold it."""

import pytest

from anka.domain.funds_mode import ALLOWED, Doing, FundsMode, UnknownFundsMode, allows, read


def test_the_modes_are_these() -> None:
    assert [(mode.name, str(mode), read(text=str(mode))) for mode in FundsMode] == [
        ("SELF_HELD", "self_held", FundsMode.SELF_HELD),
        ("PSP_MIRROR", "psp_mirror", FundsMode.PSP_MIRROR),
    ]
    assert [(doing.name.lower(), str(doing)) for doing in Doing] == [
        (name, name) for name in ("pay_from_wallet", "top_up_wallet", "refund_to_wallet", "hold_deposits", "pay_out")
    ]


@pytest.mark.parametrize("doing", list(Doing))
def test_we_do_ourselves_only_what_we_may_hold_money_for(doing: Doing) -> None:
    assert allows(mode=FundsMode.SELF_HELD, doing=doing)
    assert not allows(mode=FundsMode.PSP_MIRROR, doing=doing)


def test_every_mode_has_its_row() -> None:
    assert set(ALLOWED) == set(FundsMode)


@pytest.mark.parametrize("text", ["", "self-held", "SELF_HELD", "mirror"])
def test_a_mode_nobody_knows_is_refused(text: str) -> None:
    with pytest.raises(UnknownFundsMode, match=r"is not one of self_held, psp_mirror$"):
        read(text=text)
