"""What dnspython's message says: the chain and the addresses."""

import dns.message


def seen(response: dns.message.Message) -> tuple[tuple[str, ...], list[str]]:
    """Return the names that the question leads to, and the addresses at the end."""
    assert isinstance(response, dns.message.QueryMessage)
    chaining = response.resolve_chaining()
    chain = (str(cname[0].target).rstrip(".") for cname in chaining.cnames)
    return tuple(chain), [record.address for record in chaining.answer or ()]
