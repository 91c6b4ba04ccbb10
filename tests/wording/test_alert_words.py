from dataclasses import replace

import pytest

from monitor.core.alert import Alert
from monitor.core.notices.deciding import with_notices
from monitor.core.notices.policy import Route
from monitor.core.state import DomainState, State, Step
from monitor.core.status import DomainStatus, Fault
from monitor.wording import Language, wording
from monitor.wording.alerts import alerts_of
from tests.core.notices.samples import OTHER, change, domain, policy
from tests.core.samples import BINDING, DOMAIN, MINUTE, RIGHT, START, WRONG

RULES = policy(Route("push", is_pushed=True))
BROKEN = domain(DomainStatus.BROKEN, *(WRONG,) * 8)
FINE = domain(DomainStatus.IN_EFFECT, *(RIGHT,) * 8)


def after(*steps: DomainState) -> State:
    """Return what is known after these domains were seen, a minute apart."""
    state = State()
    for minute, seen in enumerate(steps):
        step = with_notices(state, Step((seen,)), RULES, START + minute * MINUTE)
        assert step.notices == ()  # it is shown what is open; nothing is written to it
        state = state.after(step)
    return state


def alerts(state: State) -> list[Alert]:
    return list(alerts_of(state, "push", wording(Language.ENGLISH), "https://dns.example/"))


def test_what_is_open_is_an_alert_with_labels_of_our_own_names() -> None:
    (alert,) = alerts(after(BROKEN))
    assert alert.labels == {
        "alertname": "OssCnameBroken",
        "severity": "critical",
        "domain": DOMAIN.text,
        "bucket": "shop-img",
        "account": BINDING.account,
    }
    assert (alert.starts_at, alert.ends_at) == (START, None)
    assert alert.annotations == {"summary": "img.shop.example: broken"}
    assert alert.generator_url == "https://dns.example/domains/img.shop.example"


def test_what_is_over_is_no_alert() -> None:
    assert alerts(after(BROKEN, FINE)) == []


@pytest.mark.parametrize(
    ("fault", "alert"),
    [
        (Fault.BUCKET_MISSING, "OssCnameDangling"),
        (Fault.UNBOUND, "OssCnameUnbound"),
        (Fault.BINDING_DISABLED, "OssCnameUnbound"),
        (Fault.CERTIFICATE_MISSING, "OssCnameCertificateExpiring"),
        (Fault.DELEGATION_MISMATCH, "OssCnameFault"),
    ],
)
def test_a_fault_has_the_name_of_the_rule_about_it(fault: Fault, alert: str) -> None:
    (found,) = alerts(after(replace(FINE, faults=frozenset({fault}))))
    assert found.labels["alertname"] == alert


def test_a_change_on_its_way_is_no_alert_and_a_window_that_is_over_is_one() -> None:
    assert alerts(after(domain(changes=(change(),)))) == []
    begun = change()
    broken = domain(DomainStatus.BROKEN, *(WRONG,) * 8, changes=(begun,))
    (alert,) = alerts(after(broken))
    assert alert.generator_url == f"https://dns.example/changes/{begun.id}"


def test_another_channel_is_none_of_its_business() -> None:
    state = after(BROKEN, replace(BROKEN, domain=OTHER))
    assert len(alerts(state)) == 2
    assert list(alerts_of(state, "chat", wording(Language.ENGLISH), None)) == []
