"""dns_exporter: its page has a series for each record of the answer, the TTL as its value."""

import json
import re
import sys
from pathlib import Path

import dns_exporter.entrypoint
import httpx  # noqa: F401  # dns_exporter 1.2.3 needs it and does not say so

from benchmarks.expected import name_of
from benchmarks.peers.exporters import report
from benchmarks.task import CHAIN_AND_ADDRESSES, HOST, Tally, Task

MODULE = {"family": "ipv4", "protocol": "udp", "connection_reuse": True}
RECORD = re.compile(
    r'^dnsexp_dns_response_rr_ttl_seconds{.*rr_section="answer".*'
    r'rr_type="(CNAME|A)",rr_value="([^"]*)"',
    re.MULTILINE,
)


class DnsExporter:
    checked = CHAIN_AND_ADDRESSES

    def command(self, _task: Task, port: int, folder: Path) -> list[str]:
        """Return how it is started, with sockets that it keeps."""
        config = folder / "dns_exporter.yml"
        config.write_text(json.dumps({"modules": {"bench": MODULE}}), encoding="ascii")
        program = [sys.executable, "-m", dns_exporter.entrypoint.__name__]
        return [*program, f"--config-file={config}", f"--port={port}", "--quiet"]

    def path(self, number: int, port: int) -> str:
        """Return the query for that name at that resolver."""
        return f"/query?module=bench&server={HOST}:{port}&query_name={name_of(number)}"

    def note(self, number: int, page: str, tally: Tally) -> None:
        """Read the chain and the addresses from the labels."""
        records = RECORD.findall(page)
        chain = tuple(value.rstrip(".") for kind, value in records if kind == "CNAME")
        tally.note(number, chain, [value for kind, value in records if kind == "A"])


if __name__ == "__main__":
    report(DnsExporter())
