"""The CNAME chain of an answer, rebuilt by owner name."""

from dataclasses import dataclass
from enum import Enum

from monitor.core.answers import Alias, Answer
from monitor.core.names import DomainName

# No RFC sets a limit; resolvers give up between 8 and 17 links (BIND 16, Unbound 11 or more).
MAX_HOPS = 16


class ChainFault(Enum):
    """What makes a chain lead nowhere."""

    LOOP = "loop"
    TOO_LONG = "too_long"
    AMBIGUOUS = "ambiguous"  # several CNAMEs at one name, which RFC 2181 §10.1 forbids


@dataclass(frozen=True, slots=True)
class Chain:
    """The links from a domain to its last name, and the addresses found there, sorted."""

    domain: DomainName
    links: tuple[Alias, ...] = ()
    addresses: tuple[str, ...] = ()
    fault: ChainFault | None = None

    @property
    def targets(self) -> tuple[DomainName, ...]:
        """Every name behind the domain, nearest first."""
        return tuple(link.target for link in self.links)

    @property
    def end(self) -> DomainName:
        """The last name; the domain itself where there is no CNAME."""
        return self.links[-1].target if self.links else self.domain

    @property
    def first_ttl(self) -> int | None:
        """Seconds that the domain's own record may be kept: the first hop alone decides."""
        return self.links[0].ttl if self.links else None


def rebuild(domain: DomainName, answer: Answer) -> Chain:
    """Follow the answer's CNAMEs from the domain, by owner name, whatever their order.

    Servers may put addresses first and links in any order (RFC 1034 §3.6.2 asks for none).
    """
    links_of = dict[str, Alias]()  # by the owner's text, which is cheaper than its name
    ambiguous = set[str]()
    for alias in answer.aliases:
        known = links_of.setdefault(alias.name.text, alias)
        if known is alias:
            continue
        if known.target.text != alias.target.text:
            ambiguous.add(alias.name.text)
        # One RRset has one TTL; where records of it differ, the smallest holds (RFC 2181 §5.2).
        if alias.ttl < known.ttl:
            links_of[alias.name.text] = alias
    links = list[Alias]()
    name = domain.text
    visited = {name}
    while (link := links_of.get(name)) is not None:
        if name in ambiguous:
            return Chain(domain, tuple(links), fault=ChainFault.AMBIGUOUS)
        links.append(link)
        name = link.target.text
        if name in visited:
            return Chain(domain, tuple(links), fault=ChainFault.LOOP)
        if len(links) > MAX_HOPS:
            return Chain(domain, tuple(links), fault=ChainFault.TOO_LONG)
        visited.add(name)
    found = sorted({a.address for a in answer.addresses if a.name.text == name})
    return Chain(domain, tuple(links), tuple(found))
