"""What decides the verdict on an answer, in eight octets.

Two answers of one gist get one verdict: TTLs, the order of records, the addresses behind a chain
and the node that answered are left out; the binding and the policy by which it is judged are in.
"""

from hashlib import blake2b
from typing import TypeAlias

from monitor.core.answers import Answer, NoAnswer, Outcome
from monitor.core.chain import Chain, rebuild
from monitor.core.verdict import Expectation

Gist: TypeAlias = bytes


def gist_of(outcome: Outcome, expected: Expectation, chain: Chain | None = None) -> Gist | None:
    """Return the gist, the same in every process; None where the answer alone cannot decide.

    Addresses without a chain are such a case: they are compared with the target's of the moment.
    `chain` is the answer's, where it was rebuilt already.
    """
    if isinstance(outcome, NoAnswer):
        said: str | None = outcome.reason.value
    else:
        said = _said(outcome, chain or rebuild(expected.domain, outcome))
    if said is None:
        return None
    target = expected.target
    bound = f"{type(target).__name__} {target.name.text}"
    text = f"{expected.domain.text}\n{bound}\n{said}"
    return blake2b(text.encode(), digest_size=8, key=expected.policy.digest).digest()


def _said(answer: Answer, chain: Chain) -> str | None:
    if chain.addresses and not chain.links:
        return None
    errors = ",".join(str(error.code) for error in answer.extended_errors)
    links = " ".join(target.text for target in chain.targets)  # in a name it is written \032
    fault = chain.fault.value if chain.fault else ""
    return "\n".join((answer.rcode.name, errors, links, fault, str(bool(chain.addresses))))
