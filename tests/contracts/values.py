"""Whatever a store may be given: values of the core, drawn."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from monitor.core.answers import (
    Address,
    Alias,
    Answer,
    ExtendedError,
    NameServerRecord,
    NoAnswer,
    Rcode,
    Reply,
)
from monitor.core.bindings import Binding, BucketTarget, NameTarget
from monitor.core.events import Event, EventType
from monitor.core.hysteresis import Settled
from monitor.core.inventory import AccountInventory, Failure
from monitor.core.names import DomainName
from monitor.core.servers import Transport
from monitor.core.state import DomainState, Doubt
from monitor.core.status import DomainStatus, Fault
from monitor.core.targets import TargetPolicy
from monitor.core.tracking.record import RecordKey, TrackedRecord
from monitor.core.verdict import Expectation, VerdictKind, judge
from monitor.core.views import Said, Sighting, View
from tests.contracts.followed import stages
from tests.core.samples import TARGET


def _domain_of(binding: Binding) -> str:
    return binding.domain.text


NAMES = st.sampled_from([DomainName(f"d{number}.example") for number in range(4)])
# Answers may hold any octets, which are shown escaped.
SEEN_NAMES = st.one_of(
    NAMES, st.sampled_from([TARGET.name, DomainName("a\\.b\\032\\000.example")])
)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
SECONDS = st.integers(0, 2**31 - 1)
TEXTS = st.text(max_size=8)
# Of changes, which we give, and of accounts, which have to be words: in columns of their own, and
# PostgreSQL has no room for NUL there.
IDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
SERVERS = st.sampled_from(["alidns", "dnspod", "ns1.shop.example (192.0.2.1:53)"])

ADDRESSES = st.builds(Address, SEEN_NAMES, st.sampled_from(["192.0.2.1", "2001:db8::1"]), SECONDS)
ANSWERS = st.builds(
    Answer,
    st.sampled_from(Rcode),
    aliases=st.lists(st.builds(Alias, SEEN_NAMES, SEEN_NAMES, SECONDS), max_size=3).map(tuple),
    addresses=st.lists(ADDRESSES, max_size=2).map(tuple),
    name_servers=st.lists(st.builds(NameServerRecord, NAMES, NAMES), max_size=2).map(tuple),
    glue=st.lists(ADDRESSES, max_size=1).map(tuple),
    soa_owner=st.none() | NAMES,
    negative_ttl=st.none() | SECONDS,
    is_authoritative=st.booleans(),
    extended_errors=st.lists(
        st.builds(ExtendedError, st.integers(0, 65535), TEXTS), max_size=2
    ).map(tuple),
    nsid=st.none() | TEXTS,
    subnet_scope=st.none() | st.integers(0, 128),
)
REPLIES = st.builds(
    Reply,
    ANSWERS | st.builds(NoAnswer),
    MOMENTS,
    st.timedeltas(timedelta(), timedelta(seconds=10)),
    st.sampled_from(Transport),
    st.binary(max_size=8),
)
SAID = st.builds(Said, st.sampled_from(VerdictKind), st.none() | st.booleans(), MOMENTS)
PASTS = st.lists(SAID, max_size=2).map(tuple)
BINDINGS = st.builds(
    Binding,
    NAMES,
    st.builds(BucketTarget, TEXTS, NAMES) | st.builds(NameTarget, NAMES),
    account=IDS,
    labels=st.lists(st.tuples(TEXTS, TEXTS), max_size=2).map(tuple),
    bound_at=st.none() | MOMENTS,
    certificate_expires_at=st.none() | MOMENTS,
)
FAILURES = st.builds(Failure, bucket=TEXTS, detail=TEXTS)
ACCOUNTS = st.builds(
    AccountInventory,
    st.sampled_from(["shop", "second"]),
    st.lists(BINDINGS, max_size=3).map(lambda found: tuple(sorted(found, key=_domain_of))),
    st.none() | MOMENTS,
    st.lists(FAILURES, max_size=2).map(tuple),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)
EVENTS = st.builds(
    Event,
    st.sampled_from(EventType),
    MOMENTS,
    domain=st.none() | NAMES,
    resolver=st.none() | SERVERS,
    change=st.none() | IDS,
    data=st.dictionaries(TEXTS, JSON, max_size=3),
    evidence=st.lists(st.dictionaries(TEXTS, JSON, max_size=2), max_size=2).map(tuple),
)


@st.composite
def views(draw: st.DrawFn, domain: DomainName) -> dict[str, View]:
    """Draw what some servers say of the domain, each judged as the daemon would."""
    expected = Expectation(domain, TARGET, TargetPolicy())
    servers = draw(st.sets(SERVERS, max_size=2))
    replies = {server: draw(REPLIES) for server in servers}
    return {
        server: View(
            Sighting(server, reply, judge(reply.outcome, expected)),
            draw(MOMENTS),
            draw(TEXTS),
            draw(st.none() | MOMENTS),
            draw(PASTS),
        )
        for server, reply in replies.items()
    }


@st.composite
def records(draw: st.DrawFn, domain: DomainName) -> dict[RecordKey, TrackedRecord]:
    """Draw what was followed: nothing, or the record somewhere on its way, in some views."""
    shown = draw(st.sets(st.sampled_from(["", "198.51.100.0/24"])))
    found = [draw(st.sampled_from(stages(domain, view))) for view in sorted(shown)]
    return {record.key: record for record in found}


@st.composite
def domain_states(draw: st.DrawFn) -> DomainState:
    domain = draw(NAMES)
    return DomainState(
        domain,
        draw(st.none() | BINDINGS),
        draw(MOMENTS),
        rivals=tuple(draw(st.lists(BINDINGS, max_size=2))),
        status=draw(st.builds(Settled, st.sampled_from(DomainStatus), st.integers(0, 9), TEXTS)),
        split=draw(st.builds(Settled, st.booleans(), st.integers(0, 9), TEXTS)),
        faults=frozenset(draw(st.sets(st.sampled_from(Fault)))),
        doubts=frozenset(
            draw(st.sets(st.builds(Doubt, st.sampled_from(Fault), st.integers(1, 9))))
        ),
        resolvers=draw(views(domain)),
        authorities=draw(views(domain)),
        records=draw(records(domain)),
    )
