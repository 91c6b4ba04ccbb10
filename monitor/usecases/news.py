"""What a sweep tells; of each domain once, since it is then looked at as a whole."""

from collections.abc import Mapping, Sequence

from monitor.core.answers import Reply
from monitor.core.bindings import Binding
from monitor.core.gist import Essence, Gist, gist_of_essence
from monitor.core.names import DomainName
from monitor.core.servers import Resolver
from monitor.core.views import servers_with
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
        return gist_of_essence(essence, binding.domain, binding.target, self._panel.policy)

    def knowing(self, binding: Binding, gist: Gist) -> Sequence[str]:
        known = self._ledger.state.domains.get(binding.domain)
        return () if known is None else servers_with(known.resolvers, gist)

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
