"""Every text of the pages exists in both languages, and every template can be read."""

import io
import re
from pathlib import Path

import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from django.template import Engine
from django.urls import Resolver404, resolve
from django.utils.translation.template import templatize

ANKA = Path(__file__).parents[2] / "src" / "anka"
TEMPLATES = sorted((ANKA / "web" / "templates").glob("**/*.html"))
MODULES = sorted(ANKA.glob("**/*.py"))
CHINESE = ANKA / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
KEYWORDS = {"gettext": None, "gettext_lazy": None, "_": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2)}
HIDDEN = re.compile(r"\{n?gettext\(")
HAN = re.compile(r"[\u4e00-\u9fff]")
PLACEHOLDER = re.compile(r"%\(\w+\)s")

Message = str | tuple[str, ...]


def messages_of(source: str) -> set[Message]:
    """Extract what Python source hands to gettext; a plural comes as a pair."""
    found = extract("python", io.BytesIO(source.encode()), keywords=KEYWORDS)
    return {tuple(message) if isinstance(message, (list, tuple)) else message for _, message, _, _ in found}


def wanted() -> set[Message]:
    """Extract every message of the templates and of the whole package: refusals are shown on pages too."""
    texts = [templatize(path.read_text(encoding="utf-8"), origin=path.name) for path in TEMPLATES]
    return set().union(*(messages_of(text) for text in texts), *(messages_of(path.read_text(encoding="utf-8")) for path in MODULES))


def translations(po_text: bytes) -> dict[Message, str]:
    """Read a catalogue: message to its translation, empty or fuzzy ones left out."""
    catalogue = read_po(io.BytesIO(po_text), locale="zh_Hans")
    found: dict[Message, str] = {}
    for message in catalogue:
        text = message.string if isinstance(message.string, str) else next(iter(message.string or ()), "")
        if message.id and text and not message.fuzzy:
            key = message.id if isinstance(message.id, str) else tuple(message.id)
            found[key] = text
    return found


def test_every_text_of_the_pages_has_a_chinese_translation() -> None:
    assert wanted() - translations(CHINESE.read_bytes()).keys() == set()


def test_no_message_hides_where_it_cannot_be_found() -> None:
    assert [path.name for path in MODULES if HIDDEN.search(path.read_text(encoding="utf-8"))] == []


def test_translations_keep_their_placeholders() -> None:
    for message, text in translations(CHINESE.read_bytes()).items():
        longest = message if isinstance(message, str) else message[-1]
        assert set(PLACEHOLDER.findall(text)) == set(PLACEHOLDER.findall(longest)), message


def test_a_missing_empty_or_fuzzy_translation_would_be_found() -> None:
    head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
    catalogue = f'{head}msgid "empty"\nmsgstr ""\n\n#, fuzzy\nmsgid "fuzzy"\nmsgstr "模糊"\n\nmsgid "good"\nmsgstr "好"\n'
    assert translations(catalogue.encode()) == {"good": "好"}
    assert messages_of(templatize('{% load i18n %}{% translate "new" %}')) == {"new"}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_speaks_english_until_it_is_translated(template: Path) -> None:
    text = template.read_text(encoding="utf-8").replace(">中文<", "><")
    assert HAN.findall(text) == []


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_leaves_no_bare_english(template: Path) -> None:
    text = template.read_text(encoding="utf-8")
    text = re.sub(r"\{% (blocktranslate|block width)\b.*?\{% end(blocktranslate|block) %\}", "", text, flags=re.DOTALL)
    text = re.sub(r"<code>.*?</code>|<svg.*?</svg>|\{%.*?%\}|\{\{.*?\}\}", "", text, flags=re.DOTALL)
    visible = re.sub(r"<[^>]*>", " ", text)
    assert set(re.findall(r"[A-Za-z]{2,}", visible)) <= {"English", "openapi", "json"}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_can_be_read_by_the_engine(template: Path) -> None:
    engine = Engine(
        dirs=[str(ANKA / "web" / "templates")],
        libraries={
            "anka": "anka.web.templatetags.anka",
            "i18n": "django.templatetags.i18n",
            "static": "django.templatetags.static",
        },
    )
    assert engine.from_string(template.read_text(encoding="utf-8")).nodelist


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_every_fixed_link_leads_to_a_known_page(template: Path) -> None:
    links = re.findall(r'(?:href|action)="(/[^"]*)"', template.read_text(encoding="utf-8"))
    for link in links:
        assert resolve(re.sub(r"\{\{.*?\}\}", "1", re.split(r"[?#]", link)[0])), link


def test_a_link_that_leads_nowhere_would_be_found() -> None:
    with pytest.raises(Resolver404):
        resolve("/nowhere")


def test_the_catalogue_compiles() -> None:
    """What the compiler refuses would leave every page in English: its own checks find nothing."""
    with CHINESE.open("rb") as file:
        catalogue = read_po(file, locale="zh_Hans")
    assert [(message.id, str(error)) for message, errors in catalogue.check() for error in errors] == []
