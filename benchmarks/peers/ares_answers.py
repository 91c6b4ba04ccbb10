"""What c-ares says, in the words of pycares: the chain and the addresses."""

import pycares


def seen(result: pycares.DNSResult) -> tuple[tuple[str, ...], list[str]]:
    """Return the names that the question leads to, and the addresses at the end."""
    chain = [r.data.cname for r in result.answer if r.type == pycares.QUERY_TYPE_CNAME]
    return tuple(chain), [r.data.addr for r in result.answer if r.type == pycares.QUERY_TYPE_A]
