"""A message as people read it."""

import dns.edns
import dns.exception
import dns.message

from monitor.adapters.resolvers.reading import read


def readable(wire: bytes) -> str:
    """Return the message as lines of text; empty where it cannot be read. Never raises.

    Names and strings came from the network: what could act on a terminal is escaped.
    """
    try:
        text = _harmless(read(wire)).to_text()
    except (dns.exception.DNSException, ValueError):
        return ""
    lines = [_escaped(line) for line in text.split("\n") if not line.startswith(_UNTELLING)]
    ends = [*lines[1:], ";"]
    return "\n".join(
        line
        for line, following in zip(lines, ends, strict=True)
        if not (line.startswith(";") and following.startswith(";"))  # an empty section
    )


def _harmless(message: dns.message.Message) -> dns.message.Message:
    """Escape the server's free text: its line ends could forge records among ours."""
    if message.edns >= 0:
        options = [_escaped_option(option) for option in message.options]
        message.use_edns(message.edns, message.ednsflags, message.payload, options=options)
    return message


def _escaped_option(option: dns.edns.Option) -> dns.edns.Option:
    if isinstance(option, dns.edns.EDEOption) and option.text:
        return dns.edns.EDEOption(option.code, _escaped(option.text))
    return option


# A lot, and what is so in every answer that we read.
_UNTELLING = ("id ", "opcode QUERY", "payload ")


def _escaped(line: str) -> str:
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in line)
