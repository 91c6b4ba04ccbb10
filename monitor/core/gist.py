"""What decides the verdict on an answer, in eight octets.

Two answers of one gist get one verdict: TTLs, the order of records, the addresses behind a chain
and the node that answered are left out; the binding and the policy by which it is judged are in.
"""

from hashlib import blake2b
from typing import TypeAlias

from monitor.core.answers import Answer, NoAnswer, Outcome
from monitor.core.chain import rebuild
from monitor.core.verdict import Expectation

Gist: TypeAlias = bytes


def gist_of(outcome: Outcome, expected: Expectation) -> Gist | None:
    """Return the gist, the same in every process; None where the answer alone cannot decide.

    Addresses without a chain are such a case: they are compared with the target's of the moment.
    """
    said = outcome.reason.value if isinstance(outcome, NoAnswer) else _said(outcome, expected)
    if said is None:
        return None
    target = expected.target
    bound = f"{type(target).__name__} {target.name.text}"
    text = f"{expected.domain.text}\n{bound}\n{said}"
    return blake2b(text.encode(), digest_size=8, key=expected.policy.digest).digest()


def _said(answer: Answer, expected: Expectation) -> str | None:
    chain = rebuild(expected.domain, answer)
    if chain.addresses and not chain.links:
        return None
    errors = ",".join(str(error.code) for error in answer.extended_errors)
    links = ">".join(target.text for target in chain.targets)
    fault = chain.fault.value if chain.fault else ""
    return "\n".join((answer.rcode.name, errors, links, fault, str(bool(chain.addresses))))
