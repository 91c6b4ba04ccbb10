"""How a template becomes a page: what is around its matter, and what its texts may hold."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from monitor.core.answers import Answer
from monitor.core.views import View
from monitor.entrypoints.web.pages.moments import age, distance, rfc3339
from monitor.wording import CHANGE_SHAPE, STATUS_SHAPE, TRACK_SHAPE, Wording, verdict_shape
from monitor.wording.spans import clock

_REFRESH_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Frame:
    """What every page has around its matter: language, place, and the same page in the other.

    `here` is the page's own address with what was asked of it, `live` that of the events which
    make it out of date.
    """

    words: Wording
    path: str
    here: str
    switch: str
    at: datetime
    live: str

    def ago(self, moment: datetime) -> str:
        return age(self.at - moment, self.words)

    def away(self, moment: datetime) -> str:
        """How far a moment is away, before or after the page's own."""
        return distance(moment - self.at, self.words)


def rendered(template: str, frame: Frame, **matter: object) -> str:
    return _ENVIRONMENT.get_template(template).render(frame=frame, words=frame.words, **matter)


def error_page(frame: Frame, title: str, detail: str) -> str:
    return rendered("error.html", frame, title=title, detail=detail)


def address_of(path: str, wanted: Mapping[str, str]) -> str:
    """Return a page's address with those of the parameters that are not empty."""
    kept = {key: value for key, value in wanted.items() if value}
    return f"{path}?{urlencode(kept)}" if kept else path


def _visible(value: object) -> object:
    """Show control and direction characters as escapes, so that a text cannot pose as another.

    Names are no texts, but become some.
    """
    if isinstance(value, Markup) or (text := str(value)).isprintable():
        return value
    return "".join(_escaped(text))


def _escaped(text: str) -> Iterator[str]:
    for character in text:
        yield character if character.isprintable() else f"\\u{{{ord(character):x}}}"


def _answer_of(view: View) -> Answer | None:
    return view.reply.outcome if isinstance(view.reply.outcome, Answer) else None


_ENVIRONMENT = Environment(
    loader=PackageLoader("monitor.entrypoints.web"),
    autoescape=True,
    undefined=StrictUndefined,
    finalize=_visible,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.globals.update(
    refresh_seconds=_REFRESH_SECONDS,
    status_shape=STATUS_SHAPE,
    change_shape=CHANGE_SHAPE,
    track_shape=TRACK_SHAPE,
    verdict_shape=verdict_shape,
    answer_of=_answer_of,
)
_ENVIRONMENT.filters.update(rfc3339=rfc3339, clock=clock)
