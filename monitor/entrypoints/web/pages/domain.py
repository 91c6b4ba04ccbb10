"""Everything that is known of one domain."""

from collections.abc import Iterable

from monitor.core.events import Record
from monitor.core.state import DomainState
from monitor.core.status import tally
from monitor.entrypoints.web.pages.chains import Drawn, drawn, own_ttl
from monitor.entrypoints.web.pages.changes import progress_of
from monitor.entrypoints.web.pages.needs import faults_of
from monitor.entrypoints.web.pages.rendering import Frame, rendered
from monitor.entrypoints.web.pages.strips import strips_of
from monitor.usecases.snapshot import Snapshot
from monitor.wording import Wording
from monitor.wording.history import entry


def domain_page(
    frame: Frame, snapshot: Snapshot, domain: DomainState, history: Iterable[Record] | None
) -> str:
    """Return the page; `history` None means that it could not be read."""
    changes = snapshot.changes(domain)
    return rendered(
        "domain.html",
        frame,
        domain=domain,
        changes=[progress_of(snapshot, change) for change in changes],
        strips=strips_of(snapshot, domain, changes, frame.words),
        fault_sentences=faults_of(domain, frame.words),
        of_resolvers=snapshot.tally(domain),
        of_authorities=tally(domain.authorities),
        answers=[
            (one, _advice(snapshot, domain, one, frame.words)) for one in drawn(snapshot, domain)
        ],
        views=[(resolver.name, view) for resolver, view in snapshot.views(domain)],
        ttl_of=own_ttl,
        authorities=sorted(domain.authorities.items()),
        history=None if history is None else [entry(record, frame.words) for record in history],
    )


def _advice(snapshot: Snapshot, domain: DomainState, said: Drawn, words: Wording) -> str:
    if domain.binding is None:
        return ""
    return words.advice(said.verdict, domain.binding, snapshot.remedy(domain, said.oldest))
