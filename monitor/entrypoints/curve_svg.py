"""The progress of a change as a picture: an SVG for pages and reports.

It is as wide as the place where it stands, with texts of one size at any width: all instants are
percentages of the width. It is styled by attributes and classes alone (`curve.css` gives them
colours), takes its ink from the text around it, and tells in words what it shows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape

from monitor.core.tracking.changes import ChangeState
from monitor.core.tracking.curve import Curve, Point
from monitor.entrypoints.time_axis import ticks
from monitor.wording import Wording
from monitor.wording.spans import clock, percent, span

SHARES = (0.5, 0.95, 1.0)

_LEFT, _WIDTH = 10.0, 88.0  # of the plot, in percent of the picture
_ROW, _PLOT = 18, 168  # heights in pixels
_NARROW = 340  # pixels: at this width no texts overlap
_LETTER = 7.0  # the width of one, in pixels; of a Chinese one twice as much
_SCALE = 10_000  # units across the plot
_LEAST = timedelta(seconds=10)
_MARGIN = 0.05  # of the time shown, after the last thing that is


def progress_svg(curve: Curve, words: Wording, *, at: datetime, name: str = "curve") -> str:
    """Return the picture of a change's progress as of `at`; empty where there is no curve.

    `name` tells it from others on the same page.
    """
    if not curve.seen:
        return ""
    return _Picture(curve, words, at, name).drawn()


def curve_in_words(curve: Curve, words: Wording) -> tuple[str, ...]:
    """Return one sentence for each share that counts: since when, or when it is expected."""
    return tuple(_told(curve, words, share) for share in SHARES)


def _told(curve: Curve, words: Wording, share: float) -> str:
    gaps = {"share": percent(share)}
    if (since := curve.reached_at(share)) is not None:
        after = span(since - curve.begins_at, words)
        return words.curve("reached", **gaps, at=clock(since), after=after)
    if (expected := curve.expected_at(share)) is not None:
        return words.curve("expected_at", **gaps, at=clock(expected))
    return words.curve("missed" if curve.is_over else "not_foreseen", **gaps)


@dataclass(frozen=True, slots=True)
class _Mark:
    """An instant with a name; `row` is the line of text above the plot that it is written in."""

    kind: str
    at: datetime
    text: str
    row: int = 0


class _Picture:
    def __init__(self, curve: Curve, words: Wording, at: datetime, name: str) -> None:
        self._curve, self._words, self._name = curve, words, name
        self._at = min(max(at, curve.begins_at), curve.until)
        self._begin, self._end = curve.begins_at, _end(curve, self._at)
        self._marks = self._in_rows(_marks(curve, words, self._at))
        self._top = _ROW * (1 + max((mark.row for mark in self._marks), default=-1)) + 6
        self._bottom = self._top + _PLOT

    def drawn(self) -> str:
        keys = list(self._keys())
        height = self._bottom + _ROW * (1 + len(keys)) + 6
        inner = [
            *self._in_words(),
            *self._grid(),
            *self._axis(),
            *self._lines(),
            *(part for mark in self._marks for part in self._marked(mark)),
            *(part for n, key in enumerate(keys, start=1) for part in self._key(n, *key)),
        ]
        titles = f"{self._name}-title {self._name}-text"
        return (
            f'<svg class="curve" role="img" aria-labelledby="{escape(titles)}" width="100%" '
            f'height="{height}" font-size="12" fill="currentColor">{"".join(inner)}</svg>'
        )

    def _in_words(self) -> Iterator[str]:
        curve, words = self._curve, self._words
        share = percent(curve.share_at(self._at))
        told = [words.curve("seen_at", at=clock(curve.begins_at))]
        told += [f"{mark.text}: {clock(mark.at)}." for mark in self._marks if mark.kind != "now"]
        told += curve_in_words(curve, words)
        title = words.curve("title", share=share, at=clock(self._at))
        yield f'<title id="{escape(self._name)}-title">{escape(title)}</title>'
        yield f'<desc id="{escape(self._name)}-text">{escape(" ".join(told))}</desc>'

    def _grid(self) -> Iterator[str]:
        for share in (0.0, 0.25, 0.5, 0.75, 1.0):
            y = self._y(share)
            yield (
                f'<line class="curve-grid" x1="{_LEFT:g}%" x2="{_LEFT + _WIDTH:g}%" y1="{y:g}" '
                f'y2="{y:g}" stroke="currentColor" stroke-opacity=".2"/>'
            )
            yield _text("curve-share", f"{_LEFT - 1:g}%", y + 4, percent(share), "end")

    def _axis(self) -> Iterator[str]:
        for tick in ticks(self._begin, self._end):
            x, is_last = self._x(tick.at), self._part(tick.at) > 0.93
            fine = " curve-fine" if tick.is_fine else ""
            yield (
                f'<line class="curve-tick{fine}" x1="{x}" x2="{x}" y1="{self._bottom}" '
                f'y2="{self._bottom + 4}" stroke="currentColor" stroke-opacity=".6"/>'
            )
            anchor = "end" if is_last else "middle"
            yield _text(f"curve-time{fine}", x, self._bottom + _ROW, tick.text, anchor)

    def _lines(self) -> Iterator[str]:
        curve = self._curve
        seen = self._steps(curve.seen, curve.until)
        yield (
            f'<svg x="{_LEFT:g}%" y="{self._top}" width="{_WIDTH:g}%" height="{_PLOT}" '
            f'viewBox="0 0 {_SCALE} {_PLOT}" preserveAspectRatio="none" overflow="visible">'
        )
        yield f'<path class="curve-area" d="{seen}V{_PLOT}H0Z" fill-opacity=".12"/>'
        yield _line("curve-seen", seen, 'stroke-width="2.5"')
        if curve.expected:
            expected = self._steps(curve.expected, self._end)
            yield _line("curve-expected", expected, 'stroke-width="2" stroke-dasharray="2 4"')
        yield "</svg>"

    def _marked(self, mark: _Mark) -> Iterator[str]:
        x, y = self._x(mark.at), float(_ROW * (mark.row + 1))
        dashes = "" if mark.kind == "now" else ' stroke-dasharray="4 3"'
        yield (
            f'<line class="curve-mark curve-{mark.kind}" x1="{x}" x2="{x}" y1="{y - 10}" '
            f'y2="{self._bottom}" stroke="currentColor" stroke-opacity=".6"{dashes}/>'
        )
        is_left = self._is_left(mark)
        label = _text(f"curve-name curve-{mark.kind}", x, y, mark.text, "end" if is_left else "")
        yield label.replace("<text ", f'<text dx="{-4 if is_left else 4}" ', 1)
        if mark.kind == "now":
            y = self._y(self._curve.share_at(mark.at))
            yield f'<circle class="curve-dot" cx="{x}" cy="{y:g}" r="4"/>'

    def _keys(self) -> Iterator[tuple[str, str]]:
        curve, words = self._curve, self._words
        yield "seen", words.curve("key_seen")
        if curve.expected:
            yield "expected", words.curve("key_expected")
        yield "", words.curve("key_begin", at=clock(curve.begins_at))
        yield "", words.curve("key_deadline", at=clock(curve.deadline_at))

    def _key(self, number: int, kind: str, text: str) -> Iterator[str]:
        y = self._bottom + _ROW * (number + 1) + 4
        if kind:
            dashes = ' stroke-dasharray="2 4"' if kind == "expected" else ""
            yield (
                f'<line class="curve-{kind}" x1="0" x2="22" y1="{y - 4}" y2="{y - 4}" '
                f'stroke="currentColor" stroke-width="2.5"{dashes}/>'
            )
        yield _text("curve-key", "28" if kind else "0", y, text)

    def _steps(self, points: Sequence[Point], until: datetime) -> str:
        """Return the steps as a path that begins at the foot of the first one."""
        x, y = self._part(points[0].at) * _SCALE, (1 - points[0].share) * _PLOT
        path = f"M{x:.0f} {y:.1f}"
        for point in points[1:]:
            path += f"H{self._part(point.at) * _SCALE:.0f}V{(1 - point.share) * _PLOT:.1f}"
        return f"{path}H{self._part(until) * _SCALE:.0f}"

    def _in_rows(self, marks: Sequence[_Mark]) -> tuple[_Mark, ...]:
        """Return the marks, each in the first row in which its text meets no other."""
        rows, found = list[list[tuple[float, float]]](), list[_Mark]()
        for mark in marks:
            x, width = self._part(mark.at) * _NARROW * _WIDTH / 100, _width(mark.text)
            begin, end = (x - width, x) if self._is_left(mark) else (x, x + width)
            row = next(
                (n for n, taken in enumerate(rows) if all(end < b or e < begin for b, e in taken)),
                len(rows),
            )
            if row == len(rows):
                rows.append([])
            # Lines run down from their names: the rows below keep clear of them.
            for lower in rows[row:]:
                lower.append((x - 2, x + 2))
            rows[row].append((begin, end))
            found.append(_Mark(mark.kind, mark.at, mark.text, row))
        return tuple(found)

    def _is_left(self, mark: _Mark) -> bool:
        return self._part(mark.at) > 0.5

    def _part(self, at: datetime) -> float:
        return min(1.0, max(0.0, (at - self._begin) / (self._end - self._begin)))

    def _x(self, at: datetime) -> str:
        return f"{_LEFT + _WIDTH * self._part(at):.2f}%"

    def _y(self, share: float) -> float:
        return round(self._top + _PLOT * (1 - share), 1)


def _end(curve: Curve, at: datetime) -> datetime:
    """Return until when is shown: what is of interest, and the deadline where it is near."""
    begin = curve.begins_at
    shown = [begin + _LEAST, *(point.at for point in (*curve.seen, *curve.expected))]
    others = (curve.bound_at, curve.converged_at, curve.settled_at)
    shown += [instant for instant in others if instant is not None]
    shown += [] if curve.is_over or curve.settled_at else [at]
    end = max(shown)
    if curve.deadline_at - begin <= (end - begin) * 1.5:
        end = max(end, curve.deadline_at)
    return end + (end - begin) * _MARGIN


def _marks(curve: Curve, words: Wording, at: datetime) -> list[_Mark]:
    found = [
        ("agreed", curve.all_authorities_at, words.word("all_authorities")),
        ("converged", curve.converged_at, words.change_state(ChangeState.CONVERGED)),
        ("bound", curve.bound_at, words.word("bound")),
        ("settled", curve.settled_at, words.change_state(ChangeState.SETTLED)),
    ]
    if not curve.is_over and curve.settled_at is None:
        found.append(("now", at, words.curve("now", share=percent(curve.share_at(at)))))
    if curve.deadline_at <= _end(curve, at):
        found.append(("deadline", curve.deadline_at, words.word("deadline")))
    marks = [_Mark(kind, when, text) for kind, when, text in found if when is not None]
    return sorted(marks, key=lambda mark: mark.at)


def _text(kind: str, x: str, y: float, text: str, anchor: str = "") -> str:
    where = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text class="{kind}" x="{x}" y="{y:g}"{where}>{escape(text)}</text>'


def _line(kind: str, path: str, look: str) -> str:
    return (
        f'<path class="{kind}" d="{path}" fill="none" stroke="currentColor" {look} '
        'vector-effect="non-scaling-stroke"/>'
    )


def _width(text: str) -> float:
    return sum(_LETTER * (2 if ord(letter) > 0x2E7F else 1) for letter in text) + 10
