"""The Chinese texts, compiled as `make messages` does it, for runs that did not come through make."""

import io
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

READABLE = Path(__file__).parents[1] / "src" / "anka" / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"


def compile_chinese() -> None:
    """Compile the catalogue if it has changed since."""
    compiled = READABLE.with_suffix(".mo")
    if compiled.exists() and compiled.stat().st_mtime >= READABLE.stat().st_mtime:
        return
    binary = io.BytesIO()
    write_mo(binary, read_po(io.BytesIO(READABLE.read_bytes()), locale="zh_Hans"))
    unfinished = compiled.with_name(f"{compiled.name}.new")
    unfinished.write_bytes(binary.getvalue())
    unfinished.replace(compiled)
