"""The base of everything that can go wrong with the embedded database."""

from __future__ import annotations

from typing import ClassVar


class EmbeddedDatabaseError(Exception):
    """Tell, in one line: what happened, that nothing was lost, what to do, and where the log is.

    `template` and `facts` are kept apart so that an edge can translate the sentence: `gettext(error.template) % error.facts`.
    """

    code: ClassVar[str] = "embedded_database_failed"
    status: ClassVar[int] = 503
    template: ClassVar[str] = (
        "The embedded database failed (%(reason)s); nothing that was saved is lost. Read the log, then start again. Log: %(log)s"
    )

    def __init__(self, **facts: str) -> None:
        self.facts = {name: " ".join(value.split()) for name, value in facts.items()}
        super().__init__(self.template % self.facts)
