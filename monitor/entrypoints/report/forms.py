"""The forms in which a report is handed over."""

import json
from collections.abc import Sequence
from enum import Enum
from typing import assert_never

from monitor.entrypoints.report.document import document, documents
from monitor.entrypoints.report.markdown import markdown
from monitor.entrypoints.report.page import page
from monitor.entrypoints.report.rows import rows
from monitor.entrypoints.report.sheet import Sheet
from monitor.wording import Wording


class Form(Enum):
    HTML = "html"
    MARKDOWN = "markdown"
    JSON = "json"
    CSV = "csv"

    @classmethod
    def parse(cls, written: str) -> "Form":
        """Return the form of that name; `md` is short for Markdown. Raises ValueError."""
        if written == "md":
            return cls.MARKDOWN
        try:
            return cls(written)
        except ValueError:
            names = ", ".join(form.value for form in cls)
            raise ValueError(f"{written!r} is no format: one of {names}") from None

    @property
    def media_type(self) -> str:
        return _MEDIA_TYPES[self]


_MEDIA_TYPES = {
    Form.HTML: "text/html; charset=utf-8",
    Form.MARKDOWN: "text/markdown; charset=utf-8",
    Form.JSON: "application/json",
    Form.CSV: "text/csv; charset=utf-8; header=present",
}


def written(sheets: Sequence[Sheet], words: Wording, form: Form, *, is_one: bool = True) -> str:
    """Return the reports in a form; `is_one` where a single change was asked for.

    The same reports give the same text.
    """
    match form:
        case Form.HTML:
            return page(sheets, words)
        case Form.MARKDOWN:
            return markdown(sheets, words)
        case Form.JSON:
            told = document(sheets[0]) if is_one else documents(sheets)
            return json.dumps(told, ensure_ascii=False, indent=2) + "\n"
        case Form.CSV:
            return rows(sheets)
        case _:
            assert_never(form)
