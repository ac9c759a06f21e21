"""Rule sets with one fault planted in them, made from the repaired ones, which break nothing."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from anka.domain.policy.table import RuleSet, parse_rules

REPAIRED = Path(__file__).parents[2] / "data" / "policy" / "repaired"
FULL_AT_ONCE = 'route = "instant"\nrefund = "full"\nfault = "none"\ngoods = "hold"'


@lru_cache(maxsize=1)
def repaired_texts() -> Mapping[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(REPAIRED.glob("*.toml"))}


def changed(rule: str, old: str, new: str) -> RuleSet:
    """Return the repaired rules with one passage of one rule replaced."""
    texts = dict(repaired_texts())
    (name,) = [name for name, text in texts.items() if f'\nid = "{rule}"\n' in text]
    start = texts[name].rindex("[[rule]]", 0, texts[name].index(f'\nid = "{rule}"\n'))
    end = texts[name].find("\n[[", start)
    end = len(texts[name]) if end < 0 else end
    block = texts[name][start:end]
    assert block.count(old) == 1, (rule, old)
    texts[name] = texts[name][:start] + block.replace(old, new) + texts[name][end:]
    return parse_rules(texts=texts)


def added(position: int, lines: str, *, identifier: str = "planted") -> RuleSet:
    """Return the repaired rules with one rule more."""
    return parse_rules(texts={**repaired_texts(), "planted.toml": written(position, lines, identifier=identifier)})


def written(position: int, lines: str, *, identifier: str = "planted") -> str:
    return f'[[rule]]\nposition = {position}\nid = "{identifier}"\nzh = "因为"\nen = "because"\n{lines}\n'


def without(rule: str) -> RuleSet:
    """Return the repaired rules without one of them."""
    (name,) = [name for name, text in repaired_texts().items() if f'\nid = "{rule}"\n' in text]
    text = repaired_texts()[name]
    start = text.rindex("[[rule]]", 0, text.index(f'\nid = "{rule}"\n'))
    end = text.find("\n[[", start)
    return parse_rules(texts={**repaired_texts(), name: text[:start] + (text[end + 1 :] if end >= 0 else "")})
