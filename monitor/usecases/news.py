"""What a sweep tells; of each domain once, since it is then looked at as a whole."""

from collections.abc import Mapping

from monitor.core.answers import Reply
from monitor.core.bindings import Binding
from monitor.core.gist import Essence, Gist, gist_of_essence
from monitor.core.names import DomainName
from monitor.core.servers import Resolver
from monitor.core.status import standing_of, standings_of
from monitor.ledger import Ledger
from monitor.usecases.ask import Panel


class News:
    """Knows by the ledger what is known, and gathers what is not."""

    def __init__(self, ledger: Ledger, panel: Panel) -> None:
        self._ledger = ledger
        self._panel = panel
        self._waiting: dict[DomainName, Binding] = {}
        self._looked_at: set[DomainName] = set()
        self._told: dict[DomainName, dict[Resolver, Reply]] = {}

    def gist(self, binding: Binding, essence: Essence) -> Gist:
        return gist_of_essence(essence, self._panel.expectation(binding))

    def is_known(self, binding: Binding, resolver: str, gist: Gist) -> bool:
        known = self._ledger.state.domains.get(binding.domain)
        standing = standing_of(known.resolvers, resolver) if known is not None else None
        return standing is not None and standing.gist == gist

    def knowing(self, binding: Binding, gist: Gist) -> list[str]:
        known = self._ledger.state.domains.get(binding.domain)
        standings = standings_of(known.resolvers) if known is not None else ()
        return [resolver for resolver, standing in standings if standing.gist == gist]

    def tell(self, binding: Binding, resolver: Resolver, reply: Reply) -> None:
        if binding.domain not in self._looked_at:
            self._waiting[binding.domain] = binding
            self._told.setdefault(binding.domain, {})[resolver] = reply

    def taken(self) -> list[Binding]:
        """Hand over the domains that have to be looked at now."""
        taken = list(self._waiting.values())
        self._waiting.clear()
        self._looked_at.update(binding.domain for binding in taken)
        return taken

    def told(self, domain: DomainName) -> Mapping[Resolver, Reply]:
        """Return the replies that were news of the domain."""
        return self._told[domain]
