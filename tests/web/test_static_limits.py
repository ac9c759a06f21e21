"""What the pages weigh and what the stylesheet and the templates owe each other."""

import gzip
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

WEB = Path(__file__).parents[2] / "src" / "anka" / "web"
STYLES = WEB / "static" / "anka" / "anka.css"
SCRIPT = WEB / "static" / "anka" / "anka.js"
TEMPLATES = sorted(WEB.glob("templates/**/*.html"))
LIMIT_BYTES = 10 * 1024

# Words that view models put into a class attribute: `{{ headline.tone }}` and the like.
TONES = {"ok", "wait", "bad", "info", "mute"}
FACES = {"ink", "moss", "clay", "slate"}
MONEY_SIZES = {"medium", "large", "huge"}
FROM_VIEWS = TONES | FACES | MONEY_SIZES

INLINE = re.compile(r"<style\b|\sstyle\s*=\s*[\"']|\son[a-z]+\s*=\s*[\"']|javascript:|<script(?![^>]*\ssrc=)", re.IGNORECASE)
CLASS_ATTRIBUTE = re.compile(r'\bclass="((?:\{%.*?%\}|\{\{.*?\}\}|[^"])*)"')
TEMPLATE_CODE = re.compile(r"\{%.*?%\}|\{\{.*?\}\}")
STYLE_ARGUMENT = re.compile(r'(?:style|block width)(?:="| %\})([a-z -]*)')


def inline_offences(markup: str) -> list[str]:
    """Find what a strict content security policy would refuse."""
    return INLINE.findall(TEMPLATE_CODE.sub(" ", markup))


def classes_in_markup(markup: str) -> set[str]:
    """Collect the class names written in markup, leaving out what template code fills in."""
    found: set[str] = set()
    for attribute in CLASS_ATTRIBUTE.findall(markup):
        found.update(TEMPLATE_CODE.sub(" ", attribute).split())
    for words in STYLE_ARGUMENT.findall(markup):
        found.update(words.split())
    return found


def classes_in_tags(source: str) -> set[str]:
    """Collect the class names that the template tags write."""
    named = classes_in_markup(source) - {"{}"}
    for words in re.findall(r'f"([a-z]+) \{size\}"', source):
        named.add(words)
    return named | set(re.findall(r'classes = f"([a-z]+)', source)) | set(re.findall(r'"(short)"', source))


def classes_in_styles(styles: str) -> set[str]:
    """Collect the class names that any selector uses."""
    without_comments = re.sub(r"/\*.*?\*/", "", styles, flags=re.DOTALL)
    selectors = re.findall(r"([^{}]+)\{", without_comments)
    return {name for selector in selectors for name in re.findall(r"\.([a-z][a-z-]*)", selector)}


def read(paths: Iterable[Path]) -> str:
    """Join the texts of paths."""
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


def used_classes() -> set[str]:
    """Collect every class name a page can carry."""
    tags = (WEB / "templatetags" / "anka.py").read_text(encoding="utf-8")
    arguments = set(re.findall(r'"(short|medium|large|huge)" %\}', read(TEMPLATES)))
    return classes_in_markup(read(TEMPLATES)) | classes_in_tags(tags) | FROM_VIEWS | arguments


@pytest.mark.parametrize("asset", [STYLES, SCRIPT], ids=lambda asset: asset.name)
def test_an_asset_stays_within_ten_kilobytes_compressed(asset: Path) -> None:
    assert len(gzip.compress(asset.read_bytes(), 9)) <= LIMIT_BYTES


def test_the_stylesheet_stays_readable() -> None:
    lines = STYLES.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 400


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(WEB / "templates")))
def test_a_template_holds_nothing_inline(template: Path) -> None:
    assert inline_offences(template.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "markup",
    ["<style>p{}</style>", '<p style="color:red">', '<a onclick="x()">', "<script>x()</script>", '<a href="javascript:x()">'],
)
def test_inline_code_would_be_found(markup: str) -> None:
    assert inline_offences(markup)


@pytest.mark.parametrize("markup", ['<script src="/static/anka/anka.js" defer></script>', '<p class="once">one = "1"</p>'])
def test_outside_scripts_and_words_are_no_offence(markup: str) -> None:
    assert inline_offences(markup) == []


def test_every_class_in_a_template_has_a_rule() -> None:
    assert used_classes() - classes_in_styles(STYLES.read_text(encoding="utf-8")) == set()


def test_every_rule_is_used_by_a_template() -> None:
    assert classes_in_styles(STYLES.read_text(encoding="utf-8")) - used_classes() == set()


def test_class_names_are_words() -> None:
    assert {name for name in classes_in_styles(STYLES.read_text(encoding="utf-8")) if len(name) < 2} == set()


def test_unknown_and_dead_classes_would_be_found() -> None:
    assert classes_in_markup('<p class="a {% if x == "b" %}c{% endif %} {{ d }}">') == {"a", "c"}
    assert classes_in_styles("@media (min-width: 9.5em) { .a > .b:hover { x: 1.5em } } /* .no */") == {"a", "b"}


def test_styles_load_nothing_from_elsewhere() -> None:
    assert re.findall(r"url\(|@import|https?:", STYLES.read_text(encoding="utf-8")) == []


def test_every_icon_used_is_drawn() -> None:
    drawn = set(re.findall(r'id="i-([a-z]+)"', (WEB / "templates" / "icons.html").read_text(encoding="utf-8")))
    used = set(re.findall(r'\{% icon "([a-z]+)" %\}', read(TEMPLATES)))
    assert used - drawn == set()


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(WEB / "templates")))
def test_every_posting_form_is_protected(template: Path) -> None:
    for form in re.findall(r'<form[^>]*method="post".*?</form>', template.read_text(encoding="utf-8"), flags=re.DOTALL):
        assert "{% csrf_token %}" in form
        if "{% money" in form or "/reveal" in form or "/confirm" in form:
            assert 'name="idempotency_key"' in form or 'action="/review"' in form
