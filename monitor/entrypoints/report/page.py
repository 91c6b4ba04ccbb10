"""Reports as one page of HTML that needs nothing else: styles and pictures are in it."""

from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from monitor import __version__
from monitor.entrypoints.curve_svg import progress_svg
from monitor.entrypoints.report.sheet import Sheet
from monitor.wording import Wording

_TEMPLATES = Environment(
    loader=PackageLoader("monitor.entrypoints.report", "."),
    autoescape=True,
    undefined=StrictUndefined,
    keep_trailing_newline=True,
)


def page(sheets: Sequence[Sheet], words: Wording) -> str:
    """Return the reports as one page; all text in it is escaped."""
    return _TEMPLATES.get_template("report.html").render(
        title=sheets[0].title if sheets else words.report("none"),
        sheets=sheets,
        words=words,
        css=Markup(_styles()),  # noqa: S704 - our own files
        picture=_picture,
        program=f"oss-cname-monitor {__version__}",
    )


def style_source() -> str:
    """Return the source of styles that a Content-Security-Policy has to allow: their hash."""
    return f"'sha256-{b64encode(sha256(_styles().encode()).digest()).decode()}'"


@cache
def _styles() -> str:
    own = resources.files("monitor.entrypoints.report") / "report.css"
    curve = resources.files("monitor.entrypoints.web") / "static" / "curve.css"
    return own.read_text(encoding="utf-8") + curve.read_text(encoding="utf-8")


def _picture(sheet: Sheet, number: int) -> Markup:
    report = sheet.report
    drawn = progress_svg(report.curve, sheet.words, at=report.at, name=f"curve-{number}")
    return Markup(drawn)  # noqa: S704 - it escapes its texts itself
