"""The second net under the log: what looks like a secret is taken out of every line. The first is that no secret is ever logged."""

import re

TAKEN_OUT = "[redacted]"
_NAMES = r"pass(?:word|wd|phrase)?|\w*secret\w*|\w*token|api[-_]?key|authorization"
_NAMES += r"|(?:set-)?cookie|session(?:id)?|csrf\w*|card[-_]?key|plain[-_]?key"

_PATTERNS = (
    # Authorization: Bearer …, and the scheme with its credentials wherever it stands.
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{4,}"), rf"\1 {TAKEN_OUT}"),
    (re.compile(r"(?i)(\bauthorization[\"']?\s*[:=]\s*[\"']?)(?!bearer|basic)[^\s\"',;}]+"), rf"\1{TAKEN_OUT}"),
    # password=…, "token": "…", Cookie: …
    (re.compile(rf"(?i)([\"']?\b(?:{_NAMES})[\"']?\s*[:=]\s*)(?:\"[^\"]*\"|'[^']*'|[^\s,;&}}\"']+)"), rf"\1{TAKEN_OUT}"),
    # postgresql://user:password@host
    (re.compile(r"(\w://[^\s:/@]*:)[^\s@/]+@"), rf"\1{TAKEN_OUT}@"),
    # Our own tokens.
    (re.compile(r"\banka_[A-Za-z0-9_.-]{8,}"), TAKEN_OUT),
    # Keys as they are printed: three or more groups of letters and digits. The reference of a fault is one of our own.
    (re.compile(r"(?<!reference=)(?<![\w-])(?=[\w-]*\d)[A-Za-z0-9]{4,8}(?:-[A-Za-z0-9]{4,12}){2,}(?![\w-])"), TAKEN_OUT),
    # Long runs of letters and digits: keys in base64 or hex, signatures, hashes.
    (re.compile(r"(?<![\w+-])(?<!reference=)(?=[\w+=-]*\d)(?=[\w+=-]*[A-Za-z])[A-Za-z0-9_+-]{32,}={0,2}"), TAKEN_OUT),
)
_LONGEST = 8_000


def redacted(text: str) -> str:
    """Return a text without what looks like a key, a token, a password or an Authorization header; very long texts are cut."""
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text[:_LONGEST])
    return text
