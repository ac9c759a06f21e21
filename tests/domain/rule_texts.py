"""The default table's texts, and the same with one rule taken out."""

from collections.abc import Mapping

from anka.domain.policy.table import default_texts

MARK = "[[rule]]"


def without(rule: str) -> Mapping[str, str]:
    """Return the default texts without one rule."""
    texts: dict[str, str] = {}
    for name, text in default_texts().items():
        head, *blocks = text.split(MARK)
        kept = [block for block in blocks if f'\nid = "{rule}"\n' not in block]
        tail = "" if len(kept) == len(blocks) else _after_rules(blocks)
        texts[name] = head + "".join(MARK + block for block in kept) + (tail if blocks and blocks[-1] not in kept else "")
    return texts


def _after_rules(blocks: list[str]) -> str:
    """Return what follows the last rule of a file (evidence and words), which goes with no rule."""
    _, mark, rest = blocks[-1].partition("[[evidence]]")
    return mark + rest
