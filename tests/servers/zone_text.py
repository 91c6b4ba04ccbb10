"""Zone files as text: those of the lab, and changed ones."""

from pathlib import Path

import dns.name
import dns.rdataset
import dns.zone

LAB_ZONES = Path(__file__).parent / "zones"


def lab_zone(name: str) -> str:
    """Return a zone of the lab as it stands in its file."""
    return (LAB_ZONES / file_name(name)).read_text()


def file_name(zone: str) -> str:
    """Return what the file of a zone is called."""
    return f"{zone.rstrip('.') or 'root'}.zone"


def owners(zone: str, text: str) -> tuple[str, ...]:
    """Return all names of a zone that can be asked for, without glue and wildcards."""
    parsed = parse(zone, text)
    cuts = {name for name, _ in parsed.iterate_rdatasets("NS")} - {parsed.origin}
    return tuple(
        str(name)
        for name in sorted(parsed)
        if not name.is_wild() and not any(name.is_subdomain(cut) for cut in cuts)
    )


def serial_of(zone: str, text: str) -> int:
    """Return the serial that a zone's text states."""
    return parse(zone, text).get_soa().serial


def with_records(zone: str, text: str, owner: str, *records: str) -> str:
    """Return a zone's text with other records at one name, and with the next serial.

    A record is written `60 CNAME target.example.`; all are of one type. None removes the name.
    """
    parsed = parse(zone, text)
    name = dns.name.from_text(owner)
    with parsed.writer() as change:
        change.delete(name)
        if records:
            change.add(name, _rdataset(records))
        change.update_serial(name=dns.name.from_text(zone))
    return str(parsed.to_text(relativize=False))


def parse(zone: str, text: str) -> dns.zone.Zone:
    """Return a zone with absolute names."""
    return dns.zone.from_text(text, absolute(zone), relativize=False)


def absolute(name: str) -> str:
    """Return a name with its final dot."""
    return name.rstrip(".") + "."


def _rdataset(records: tuple[str, ...]) -> dns.rdataset.Rdataset:
    ttl, rdtype, _ = records[0].split(maxsplit=2)
    values = [record.split(maxsplit=2)[2] for record in records]
    return dns.rdataset.from_text("IN", rdtype, int(ttl), *values)
