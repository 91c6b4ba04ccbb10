"""The bindings that the configuration lists, as one more account."""

from monitor.core.bindings import CONFIGURED, Binding
from monitor.core.inventory import Listing


class ListedInventory:
    """Always reads completely: the configuration was checked before."""

    account = CONFIGURED

    def __init__(self, bindings: tuple[Binding, ...]) -> None:
        self._bindings = bindings

    async def look(self) -> Listing:
        return Listing(self.account, self._bindings)
