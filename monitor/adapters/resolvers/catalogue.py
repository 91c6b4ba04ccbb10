"""The domains that are asked about, numbered, so that what is known of them fits in columns."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from monitor.adapters.resolvers.engine import Queries
from monitor.adapters.resolvers.glance import Shapes
from monitor.adapters.resolvers.memo import Variants
from monitor.adapters.resolvers.questions import Form, Unaskable, form_of
from monitor.core.bindings import Binding
from monitor.core.names import DomainName


@dataclass(slots=True)
class Catalogue:
    """A number stays a domain's as long as it is bound, and is then given to another.

    No question can hold the names of those that are `unaskable`.
    `variants[n]` is what was read of answers about number n, `shapes` are what many of all answers
    have in common; `rebound` are numbers of domains that were bound to another target since
    somebody looked.
    """

    numbers: dict[DomainName, int] = field(default_factory=dict)
    bindings: list[Binding] = field(default_factory=list)
    variants: list[Variants] = field(default_factory=list)
    unaskable: set[int] = field(default_factory=set)
    rebound: list[int] = field(default_factory=list)
    shapes: Shapes = field(default_factory=Shapes)
    _free: list[int] = field(default_factory=list)
    _released: list[int] = field(default_factory=list)
    _wires: dict[str | None, list[bytes]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.bindings)

    def take(self, bindings: Iterable[Binding]) -> list[int]:
        """Return the numbers of the bindings; what was read for another target is forgotten."""
        numbers = self.numbers
        found = []
        for binding in bindings:
            number = numbers.get(binding.domain)
            if number is None:
                number = self._added(binding)
            elif self.bindings[number] is not binding:
                self._rebind(number, binding)
            found.append(number)
        return found

    def drop_all_but(self, wanted: Iterable[DomainName]) -> list[int]:
        """Free the numbers of domains that are not wanted, and return them."""
        gone = self.numbers.keys() - set(wanted)
        freed = [self.numbers.pop(domain) for domain in gone]
        for number in freed:
            self.variants[number] = ()
        self._released += freed
        return freed

    def reuse(self) -> None:
        """Give freed numbers to others from now on: no question about one is under way."""
        self._free += self._released
        self._released.clear()

    def queries(self, client_subnet: str | None) -> Queries:
        """Return the questions as a resolver with this subnet is asked; they grow along."""
        form, wires = form_of(client_subnet=client_subnet), self._wires.get(client_subnet)
        if wires is None:
            wires = [self._wire(number, form) for number in range(len(self.bindings))]
            self._wires[client_subnet] = wires
        return Queries(wires, form.options)

    def _added(self, binding: Binding) -> int:
        if self._free:
            number = self._free.pop()
            self.bindings[number] = binding
        else:
            number = len(self.bindings)
            self.bindings.append(binding)
            self.variants.append(())
        self.numbers[binding.domain] = number
        for client_subnet, wires in self._wires.items():
            form = form_of(client_subnet=client_subnet)
            wires[number : number + 1] = (self._wire(number, form),)
        return number

    def _wire(self, number: int, form: Form) -> bytes:
        self.unaskable.discard(number)
        try:
            return form.query(self.bindings[number].domain.text)
        except Unaskable:
            self.unaskable.add(number)
            return b""

    def _rebind(self, number: int, binding: Binding) -> None:
        if self.bindings[number].target != binding.target:
            self.variants[number] = ()
            self.rebound.append(number)
        self.bindings[number] = binding
