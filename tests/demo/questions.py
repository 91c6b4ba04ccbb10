"""A DNS client for the tests, and answers as short texts."""

from collections.abc import Sequence
from typing import Protocol

import dns.asyncquery
import dns.message
import dns.rrset
from dns.edns import NSIDOption, Option, OptionType
from dns.message import Message

from monitor.core.servers import Transport

PATIENCE = 30.0


class Listening(Protocol):
    """Anything that has an address and a port."""

    @property
    def address(self) -> str: ...

    @property
    def port(self) -> int: ...


def question(name: str, rdtype: str = "A", *options: Option, payload: int = 1232) -> Message:
    """A question with EDNS; a payload of 0 means without."""
    if not payload:
        return dns.message.make_query(name, rdtype, use_edns=False)
    return dns.message.make_query(name, rdtype, payload=payload, options=list(options))


async def ask(
    server: Listening, asked: Message | str, transport: Transport = Transport.UDP
) -> Message:
    """Ask once; a plain name is asked for its addresses, with NSID."""
    if isinstance(asked, str):
        asked = question(asked, "A", NSIDOption(b""))
    send = dns.asyncquery.udp if transport is Transport.UDP else dns.asyncquery.tcp
    return await send(asked, server.address, timeout=PATIENCE, port=server.port)


def lines(section: Sequence[dns.rrset.RRset]) -> list[str]:
    """Each record of a section as `owner ttl type value`."""
    return [
        f"{rrset.name} {rrset.ttl} {rrset.rdtype.name} {data}"
        for rrset in section
        for data in rrset
    ]


def errors(answer: Message) -> list[int]:
    return [int(error.code) for error in answer.extended_errors()]


def nsid(answer: Message) -> str | None:
    found = [opt for opt in answer.options if opt.otype == OptionType.NSID]
    return found[0].nsid.decode() if found and isinstance(found[0], NSIDOption) else None
