"""The page shows messages as they are written."""

from pathlib import Path

import pytest

from monitor.core.bindings import Binding, BucketTarget
from monitor.core.message import NoticeSeverity
from monitor.core.names import DomainName
from monitor.core.notices.dispatch import Parcel
from monitor.core.status import DomainStatus
from monitor.core.told import (
    ChangeFacts,
    Concern,
    ConcernKind,
    Facts,
    Late,
    Letter,
    Notice,
    Reason,
)
from monitor.core.tracking.changes import ChangeKind, ChangeState
from monitor.core.tracking.reasons import Reason as LateReason
from monitor.core.tracking.values import alias
from monitor.wording import Language, wording
from monitor.wording.notices import message_of
from tests.core.notices.samples import WINDOW
from tests.core.samples import START, TARGET

PAGE = (Path(__file__).parents[2] / "docs/notices.md").read_text(encoding="utf-8")
DOMAIN = DomainName("www.shop.example")
CHANGE = ChangeFacts(
    id="01KDVDNA009PMHDAREM3WHAJFY",
    owner=DOMAIN,
    kind=ChangeKind.MODIFIED,
    state=ChangeState.PROPAGATING,
    old=alias(DomainName("elsewhere.example")),
    new=alias(TARGET.name),
    detected_at=START,
    deadline_at=START + WINDOW,
    late=(Late("office", LateReason.OVERRIDE),),
    by="ops",
    note="move to Shanghai",
)
NOTICE = Notice(
    "K",
    "oncall",
    DOMAIN,
    Reason.FIRST,
    Concern(ConcernKind.OVERSTAY, NoticeSeverity.WARNING, START, CHANGE.id, START),
    START,
    Facts(
        Binding(DOMAIN, BucketTarget("shop-img", TARGET.endpoint)),
        DomainStatus.PARTIAL,
        asked=6,
        answering=6,
        in_effect=5,
        change=CHANGE,
    ),
)


@pytest.mark.parametrize("language", Language)
def test_the_page_shows_the_message_as_it_is_written(language: Language) -> None:
    parcel = Parcel((Letter(NOTICE, START),))
    message = message_of(parcel, wording(language), "https://dns.example")
    shown = " ".join(PAGE.split())
    for line in (message.title, *message.body.splitlines(), str(message.link)):
        assert line in shown
