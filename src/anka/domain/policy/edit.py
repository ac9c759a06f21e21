"""One rule of a rule file changed as text: its own lines are replaced, and every other byte, comments too, stays as it was."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_HEADER = re.compile(r"""\[\[?\s*(?P<key>"rule"|'rule'|[^\s.\]]+)\s*(?P<more>\.?)""")
_NEWLINE = "\n"
_POSITION = re.compile(r"position\s*=\s*([0-9]+)", re.ASCII)


class RuleNotFound(Exception):
    """No table [[rule]] of these files has this id, or it is not written as a table of its own."""

    code, status = "rule_not_found", 404


@dataclass(frozen=True, slots=True)
class Block:
    """The lines of one rule within its file: text[start:end], with the line end of its last line."""

    id: object
    position: object
    start: int
    end: int


def _after_string(text: str, at: int) -> int:
    """Return the place after the string that begins at `at`."""
    quote = text[at]
    mark = quote * 3 if text.startswith(quote * 3, at) else quote
    index = at + len(mark)
    while index < len(text):
        if text[index] == "\\" and quote == '"':
            index += 2
        elif text.startswith(mark, index):
            index += len(mark)
            # Up to two more quotes may stand right before the end of a long string.
            while len(mark) > 1 and text.startswith(quote, index):
                index += 1
            return index
        else:
            index += 1
    return len(text)


def _after_line(text: str, at: int) -> int:
    found = text.find(_NEWLINE, at)
    return len(text) if found < 0 else found + 1


def _after_item(text: str, at: int) -> int:
    """Return the place after the header, or the key and its value, that begins at `at`, with the rest of its last line."""
    depth, index = 0, at
    while index < len(text):
        character = text[index]
        if character in "\"'":
            index = _after_string(text, index)
            continue
        if character == "#":
            index = _after_line(text, index) - 1
            character = text[index]
        if character == _NEWLINE and depth == 0:
            return index + 1
        depth += (character in "[{") - (character in "]}")
        index += 1
    return len(text)


def items_of(text: str, /) -> Iterator[tuple[int, int]]:
    """Yield where each header and each key with its value stands; blank lines and comments between them are left out."""
    index = 0
    while index < len(text):
        if text[index].isspace():
            index += 1
        elif text[index] == "#":
            index = _after_line(text, index)
        else:
            end = _after_item(text, index)
            yield index, end
            index = end


def _spans(text: str) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    inside = False
    for start, end in items_of(text):
        header = _HEADER.match(text, start) if text[start] == "[" else None
        if header is None:
            if inside:
                spans[-1] = (spans[-1][0], end)
            continue
        of_a_rule = header["key"].strip("\"'") == "rule"
        if of_a_rule and not header["more"]:
            spans.append((start, end))
        elif of_a_rule and spans:
            spans[-1] = (spans[-1][0], end)
        inside = of_a_rule and bool(spans)
    return spans


def blocks_of(*, text: str) -> tuple[Block, ...]:
    """Return where each [[rule]] of a file stands. `text` must be TOML.

    Raises:
        tomllib.TOMLDecodeError: it is not.
    """
    tomllib.loads(text)
    found = []
    for start, end in _spans(text):
        table = tomllib.loads(text[start:end])["rule"][0]
        found.append(Block(id=table.get("id"), position=table.get("position"), start=start, end=end))
    return tuple(found)


def _block(*, texts: Mapping[str, str], rule: str) -> tuple[str, Block]:
    for name in sorted(texts):
        for block in blocks_of(text=texts[name]):
            if block.id == rule:
                return name, block
    raise RuleNotFound(f"{', '.join(sorted(texts))}: no rule {rule!r} written as a table [[rule]]")


def file_of(*, texts: Mapping[str, str], rule: str) -> str:
    """Return the name of the file a rule stands in.

    Raises:
        RuleNotFound: none of them has it.
    """
    return _block(texts=texts, rule=rule)[0]


def rule_text(*, texts: Mapping[str, str], rule: str) -> str:
    """Return the lines of one rule as they are written.

    Raises:
        RuleNotFound: no file has it.
    """
    name, block = _block(texts=texts, rule=rule)
    return texts[name][block.start : block.end]


def _as_in(text: str, lines: str) -> str:
    """Return lines with the line ends of the file they go into, and one at their end."""
    plain = lines.replace("\r\n", _NEWLINE).strip() + _NEWLINE
    return plain.replace(_NEWLINE, "\r\n") if "\r\n" in text else plain


def _put(texts: Mapping[str, str], name: str, text: str) -> dict[str, str]:
    return {**texts, name: text}


def replace_rule(*, texts: Mapping[str, str], rule: str, lines: str) -> dict[str, str]:
    """Return the files with a rule's lines replaced by these. The id may change with them.

    Raises:
        RuleNotFound: no file has the rule.
    """
    name, block = _block(texts=texts, rule=rule)
    text = texts[name]
    return _put(texts, name, text[: block.start] + _as_in(text, lines) + text[block.end :])


def insert_rule(*, texts: Mapping[str, str], file: str, position: int, lines: str) -> dict[str, str]:
    """Return the files with a rule added to one of them, after the last rule there that is read before it. A new name is a new file."""
    text = texts.get(file, "")
    earlier = [block for block in blocks_of(text=text) if isinstance(block.position, int) and block.position < position]
    if earlier:
        at = max(earlier, key=lambda block: (block.position, block.end)).end
        before = text[:at] if text[:at].endswith(_NEWLINE) else text[:at] + _as_in(text, "")
        return _put(texts, file, before + _as_in(text, "") + _as_in(text, lines) + text[at:])
    gap = "" if not text else _as_in(text, "") if text.endswith(_NEWLINE) else _as_in(text, "") * 2
    return _put(texts, file, text + gap + _as_in(text, lines))


def delete_rule(*, texts: Mapping[str, str], rule: str) -> dict[str, str]:
    """Return the files without a rule and without the blank line after it; comments around it stay.

    Raises:
        RuleNotFound: no file has it.
    """
    name, block = _block(texts=texts, rule=rule)
    text, end = texts[name], block.end
    after = _after_line(text, end)
    if not text[end:after].strip():
        end = after
    return _put(texts, name, text[: block.start] + text[end:])


def renumber_rule(*, texts: Mapping[str, str], rule: str, position: int) -> dict[str, str]:
    """Return the files with another position for a rule; nothing but its digits is written anew.

    Raises:
        RuleNotFound: no file has the rule, or its position is not written as plain digits.
    """
    name, block = _block(texts=texts, rule=rule)
    lines = texts[name][block.start : block.end]
    wanted = tomllib.loads(lines)["rule"][0] | {"position": position}
    for digits in _POSITION.finditer(lines):
        changed = lines[: digits.start(1)] + str(position) + lines[digits.end(1) :]
        # A sentence may hold what looks like a position: only the change that makes the wanted rule is taken.
        if _is(changed, wanted):
            return _put(texts, name, texts[name][: block.start] + changed + texts[name][block.end :])
    raise RuleNotFound(f"{name}, rule {rule!r}: its position is not written as digits")


def _is(lines: str, wanted: Mapping[str, object]) -> bool:
    try:
        return bool(tomllib.loads(lines)["rule"][0] == wanted)
    except tomllib.TOMLDecodeError:
        return False
