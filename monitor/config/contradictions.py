"""What two tables say against each other, though each is right by itself.

Looked at apart from the models, so that these are told together with all other faults.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import TypeVar

from pydantic import ValidationError

from monitor.config.accounts import AccountSettings
from monitor.config.alerting import Channel
from monitor.config.bindings import BindingSettings
from monitor.config.faults import Complaint, KeyPath, path_text, quoted
from monitor.config.resolvers import DEFAULT_RESOLVERS, ResolverSettings
from monitor.config.section import Section
from monitor.config.web import WebToken

SectionT = TypeVar("SectionT", bound=Section)


def contradictions(tables: Mapping[str, object]) -> Iterator[Complaint]:
    """Yield what is said twice, and names that nothing has."""
    resolvers = _readable(ResolverSettings, tables.get("resolvers"))
    accounts = _readable(AccountSettings, tables.get("accounts"))
    bindings = _readable(BindingSettings, tables.get("bindings"))
    channels = _readable(Channel, _table(tables.get("alerting")).get("channels"))
    yield from _repeated(("resolvers",), "name", {i: r.name for i, r in resolvers.items()})
    yield from _repeated(("accounts",), "name", {i: a.name for i, a in accounts.items()})
    yield from _repeated(("bindings",), "domain", {i: b.domain for i, b in bindings.items()})
    at_channels = ("alerting", "channels")
    yield from _repeated(at_channels, "name", {i: c.name for i, c in channels.items()})
    tokens = _readable(WebToken, _table(tables.get("web")).get("tokens"))
    yield from _repeated(("web", "tokens"), "name", {i: t.name for i, t in tokens.items()})
    yield from _same_questions(resolvers)
    yield from _unknown_bootstrap(tables)


def _repeated(lists: KeyPath, key: str, values: Mapping[int, Hashable]) -> Iterator[Complaint]:
    first: dict[Hashable, int] = {}
    for index, value in values.items():
        earlier = first.setdefault(value, index)
        if earlier != index:
            message = (
                f"is the same as in {path_text((*lists, earlier))} (got {quoted(str(value))})"
            )
            yield Complaint((*lists, index, key), message, f"give each its own {key}, or drop one")


def _same_questions(resolvers: Mapping[int, ResolverSettings]) -> Iterator[Complaint]:
    first: dict[Hashable, int] = {}
    for index, resolver in resolvers.items():
        earlier = first.setdefault(resolver.identity, index)
        if earlier != index:
            yield Complaint(
                ("resolvers", index, "address"),
                f"asks the same server in the same way as resolvers[{earlier}] "
                f"(got {quoted(resolver.address.text)})",
                "drop one, or give it another transport or client_subnet",
            )


def _unknown_bootstrap(tables: Mapping[str, object]) -> Iterator[Complaint]:
    written = [_table(item).get("name") for item in _items(tables.get("resolvers"))]
    given = [name for name in written if isinstance(name, str)]
    names = dict.fromkeys(given or [resolver.name for resolver in DEFAULT_RESOLVERS])
    for index, name in enumerate(_items(_table(tables.get("authority")).get("bootstrap"))):
        if isinstance(name, str) and name not in names:
            yield Complaint(
                ("authority", "bootstrap", index),
                f"is no resolver's name (got {quoted(name)})",
                f"write one of {', '.join(names)}",
            )


def _readable(model: type[SectionT], items: object) -> dict[int, SectionT]:
    """Return the items that are right by themselves; the others have their own complaints."""
    read: dict[int, SectionT] = {}
    for index, item in enumerate(_items(items)):
        try:
            read[index] = model.model_validate(item)
        except ValidationError:
            continue
    return read


def _items(value: object) -> Sequence[object]:
    return value if isinstance(value, tuple) else ()


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
