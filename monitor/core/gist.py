"""What decides the verdict on an answer, in eight octets.

Two answers of one gist get one verdict: TTLs, the order of records, the addresses behind a chain
and the node that answered are left out; the binding and the policy by which it is judged are in.
"""

from collections.abc import Iterable
from hashlib import blake2b
from typing import TypeAlias

from monitor.core.answers import NoAnswer, Outcome, Rcode
from monitor.core.chain import Chain, ChainFault, rebuild
from monitor.core.names import DomainName
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
    return None if essence is None else gist_of_essence(essence, expected)


def gist_of_essence(essence: Essence, expected: Expectation) -> Gist:
    target = expected.target
    bound = f"{type(target).__name__} {target.name.text}"
    text = f"{expected.domain.text}\n{bound}\n{essence}"
    return blake2b(text.encode(), digest_size=GIST_SIZE, key=expected.policy.digest).digest()


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
    errors: Iterable[int],
    targets: Iterable[str],
    fault: ChainFault | None = None,
    *,
    has_addresses: bool,
) -> Essence:
    """Return the essence of an answer from what it says of the chain, nearest target first."""
    codes = ",".join(map(str, errors))
    links = " ".join(targets)  # in a name it is written \032
    return f"{rcode.name}\n{codes}\n{links}\n{fault.value if fault else ''}\n{has_addresses}"
