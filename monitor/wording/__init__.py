"""What people read, in plain English and Chinese."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib import resources

from monitor.core.bindings import Binding
from monitor.core.message import NoticeSeverity
from monitor.core.ownership import Proof
from monitor.core.status import DomainStatus, Fault, Remedy
from monitor.core.told import ConcernKind
from monitor.core.told import Reason as NoticeReason
from monitor.core.tracking.changes import Change, ChangeKind, ChangeState, Source
from monitor.core.tracking.reasons import Reason
from monitor.core.tracking.tracks import TrackState
from monitor.core.tracking.values import Value
from monitor.core.verdict import Verdict, VerdictKind
from monitor.core.views import Said, Standing
from monitor.ports import DeliveryFailure


class Language(Enum):
    ENGLISH = "en"
    CHINESE = "zh"

    @classmethod
    def of(cls, tag: str) -> "Language":
        """Return the language of a tag such as `zh_CN.UTF-8` or `zh-Hans`; English for others."""
        return cls.CHINESE if tag.lower().startswith("zh") else cls.ENGLISH


@dataclass(frozen=True, slots=True)
class Wording:
    """The texts of one language."""

    language: Language
    _texts: Mapping[str, Mapping[str, str]]

    def status(self, status: DomainStatus) -> str:
        return self._texts["status"][status.value]

    def verdict(self, kind: VerdictKind) -> str:
        """A word or two, short enough for a cell."""
        return self._texts["verdict"][kind.value]

    def fault(self, fault: Fault) -> str:
        return self._texts["fault"][fault.value]

    def reason(self, verdict: Verdict, binding: Binding) -> str:
        """One sentence: what the rule saw, and why that decides."""
        text = self._texts["rule"][verdict.rule.value]
        if not verdict.seen:
            text = text.replace(" {seen}.", ".").replace(" {seen}。", "。")
        return text.format(
            seen=verdict.seen or "-",
            domain=binding.domain.display,
            target=binding.target.name,
            bucket=binding.bucket,
        )

    def advice(self, verdict: Verdict, binding: Binding, remedy: Remedy = Remedy.RECORD) -> str:
        """What to do about it; empty where nothing is to be done."""
        advice = self._texts["advice"]
        text = advice[verdict.kind.value] if remedy is Remedy.RECORD else advice[remedy.value]
        return text.format(
            domain=binding.domain.display, target=binding.target.name, seen=verdict.seen or "-"
        )

    def change_state(self, state: ChangeState) -> str:
        return self._texts["change_state"][state.value]

    def standing(self, change: Change) -> str:
        """Answer in one sentence whether everybody has the change by now."""
        text = self._texts["standing"][change.state.value]
        return text.format(late=len(change.late), total=len(change.tracks))

    def change_kind(self, kind: ChangeKind) -> str:
        return self._texts["change_kind"][kind.value]

    def change_source(self, source: Source) -> str:
        return self._texts["change_source"][source.value]

    def track_state(self, state: TrackState) -> str:
        return self._texts["track_state"][state.value]

    def track_reason(self, reason: Reason) -> str:
        """One sentence: why the resolver still has the old value."""
        return self._texts["track_reason"][reason.value]

    def track_advice(self, reason: Reason) -> str:
        """What to do about it."""
        return self._texts["track_advice"][reason.value]

    def delivery_failure(self, reason: DeliveryFailure) -> str:
        """A word or two: why a message was not delivered."""
        return self._texts["delivery_failure"][reason.value]

    def delivery_advice(self, reason: DeliveryFailure) -> str:
        """What to do about it."""
        return self._texts["delivery_advice"][reason.value]

    def severity(self, severity: NoticeSeverity) -> str:
        return self._texts["severity"][severity.value]

    def concern(self, kind: ConcernKind) -> str:
        """What a person should hear of, in a few words."""
        return self._texts["concern"][kind.value]

    def notice_reason(self, reason: NoticeReason) -> str:
        """Why a person is told, in a word or two."""
        return self._texts["notice_reason"][reason.value]

    def notice(self, key: str, **gaps: object) -> str:
        """A line of a message, with its gaps filled."""
        return self._texts["notice"][key].format(**gaps)

    def curve(self, key: str, **gaps: str) -> str:
        """A text of the picture of a change's progress, with its gaps filled."""
        return self._texts["curve"][key].format(**gaps)

    def audit(self, key: str, **gaps: str) -> str:
        """A text on the audit log, with its gaps filled."""
        return self._texts["audit"][key].format(**gaps)

    def report(self, key: str, **gaps: str) -> str:
        """A text of the report on a change, with its gaps filled."""
        return self._texts["report"][key].format(**gaps)

    def proof(self, proof: Proof) -> str:
        """What a server says of the record that proves whose a domain is."""
        return self._texts["proof"][proof.value]

    def value(self, value: Value | None) -> str:
        """What a record says; in words where it is not known, or nothing."""
        if value is None:
            return self.word("not_known")
        return value.text or self.word("change_nothing")

    def word(self, key: str) -> str:
        """A word of a page or a screen."""
        return self._texts["word"][key]


@cache
def wording(language: Language) -> Wording:
    """Return the texts of a language; every language has the same keys."""
    file = resources.files("monitor.wording") / f"{language.value}.toml"
    return Wording(language, tomllib.loads(file.read_text(encoding="utf-8")))


# A shape for each status and verdict, since colour alone does not reach everybody.
STATUS_SHAPE = {
    DomainStatus.IN_EFFECT: "●",
    DomainStatus.PROPAGATING: "◐",
    DomainStatus.PARTIAL: "◑",
    DomainStatus.BROKEN: "✖",
    DomainStatus.UNKNOWN: "?",
    DomainStatus.PAUSED: "‖",
}

PROOF_SHAPE = {
    Proof.VISIBLE: "✔",
    Proof.OTHER_VALUE: "✖",
    Proof.ABSENT: "✖",
    Proof.UNKNOWN: "?",
}

CHANGE_SHAPE = {
    ChangeState.ANNOUNCED: "◌",
    ChangeState.AUTH_SPLIT: "◔",
    ChangeState.PROPAGATING: "◐",
    ChangeState.CONVERGED: "◕",
    ChangeState.SETTLED: "●",
    ChangeState.EXPIRED: "✖",
    ChangeState.SUPERSEDED: "↷",
    ChangeState.REVERTED: "↶",
    ChangeState.CANCELLED: "‖",
}


TRACK_SHAPE = {
    TrackState.UNKNOWN: "?",
    TrackState.AUTH_WAIT: "◔",
    TrackState.CENSUS: "◔",
    TrackState.WAITING: "◐",
    TrackState.CONFIRMING: "◕",
    TrackState.CONVERGED: "✔",
    TrackState.SETTLED: "●",
    TrackState.OVERSTAY: "✖",
    TrackState.UNREACHABLE: "?",
    TrackState.REGRESSED: "↶",
    TrackState.FLAPPING: "~",
}


def verdict_shape(verdict: Verdict | Standing | Said) -> str:
    if verdict.is_in_effect is None:
        return "?"
    return "✔" if verdict.is_in_effect else "✖"
