from monitor.core.bindings import Binding
from monitor.core.inventory import Failure, Listing


class FakeInventory:
    """Shows whatever bindings and failures it was last given."""

    def __init__(self, account: str, *bindings: Binding) -> None:
        self.account = account
        self.bindings = bindings
        self.failures: tuple[Failure, ...] = ()

    async def look(self) -> Listing:
        return Listing(self.account, self.bindings, self.failures)
