"""Pages of lists: the items, and the cursor to what follows."""

from typing import Annotated, TypeAlias

from typing_extensions import TypedDict

from monitor.entrypoints.shapes.changes import ChangeDocument
from monitor.entrypoints.shapes.domains import DomainDocument, ResolverDocument
from monitor.entrypoints.shapes.fields import said
from monitor.entrypoints.shapes.inventory import AccountDocument
from monitor.entrypoints.shapes.log import RecordDocument

Next: TypeAlias = Annotated[
    str | None, said("the `cursor` to what follows; null at the end", "img.shop.example")
]


class DomainListDocument(TypedDict):
    """A page of domains."""

    items: tuple[DomainDocument, ...]
    next: Next


class ChangeListDocument(TypedDict):
    """A page of changes, newest first."""

    items: tuple[ChangeDocument, ...]
    next: Next


class RecordListDocument(TypedDict):
    """A page of records of the audit log."""

    items: tuple[RecordDocument, ...]
    next: Next


class ResolverListDocument(TypedDict):
    """A page of resolvers, by name."""

    items: tuple[ResolverDocument, ...]
    next: Next


class AccountListDocument(TypedDict):
    """A page of bindings, each beneath its account."""

    items: tuple[AccountDocument, ...]
    next: Next
