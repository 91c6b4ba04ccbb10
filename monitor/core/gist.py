"""What decides the verdict on an answer, in eight octets.

Two answers of one gist get one verdict: TTLs, the order of records, the addresses behind a chain
and the node that answered are left out; the binding and the policy by which it is judged are in.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import TypeAlias

from monitor.core.answers import NoAnswer, Outcome, Rcode
from monitor.core.bindings import Target
from monitor.core.chain import Chain, ChainFault, rebuild
from monitor.core.names import DomainName
from monitor.core.targets import TargetPolicy
from monitor.core.verdict import Expectation

Gist: TypeAlias = bytes
GIST_SIZE = 8  # octets
Essence: TypeAlias = str
"""What of an outcome decides the verdict, whatever it is compared with."""


def gist_of(outcome: Outcome, expected: Expectation, chain: Chain | None = None) -> Gist | None:
    """Return the gist, the same in every process; None where the answer alone cannot decide.

    `chain` is the answer's, where it was rebuilt already.
    """
    essence = essence_of(outcome, expected.domain, chain)
    if essence is None:
        return None
    return gist_of_essence(essence, expected.domain, expected.target, expected.policy)


def gist_of_essence(
    essence: Essence, domain: DomainName, target: Target, policy: TargetPolicy
) -> Gist:
    text = f"{domain.text}\n{type(target).__name__} {target.text}\n{essence}"
    hashed = _keyed(policy.digest).copy()
    hashed.update(text.encode())
    return hashed.digest()


@lru_cache(maxsize=16)  # there is one policy at a time
def _keyed(digest: bytes) -> blake2b:
    return blake2b(digest_size=GIST_SIZE, key=digest)


def essence_of(outcome: Outcome, domain: DomainName, chain: Chain | None = None) -> Essence | None:
    """Return the essence of what was said of the domain; None for addresses without a chain.

    Those are compared with the target's of the moment.
    """
    if isinstance(outcome, NoAnswer):
        return outcome.reason.value
    chain = chain or rebuild(domain, outcome)
    if chain.addresses and not chain.links:
        return None
    return essence_of_chain(
        outcome.rcode,
        [error.code for error in outcome.extended_errors],
        [target.text for target in chain.targets],
        chain.fault,
        has_addresses=bool(chain.addresses),
    )


def essence_of_chain(
    rcode: Rcode,
    errors: Sequence[int],
    targets: Iterable[str],
    fault: ChainFault | None = None,
    *,
    has_addresses: bool,
) -> Essence:
    """Return the essence of an answer from what it says of the chain, nearest target first."""
    codes = ",".join(map(str, errors)) if errors else ""
    links = " ".join(targets)  # in a name it is written \032
    kind = fault.value if fault else ""
    return f"{_RCODE_NAMES[rcode]}\n{codes}\n{links}\n{kind}\n{has_addresses}"


_RCODE_NAMES = {rcode: rcode.name for rcode in Rcode}  # which an enum takes its time to tell
