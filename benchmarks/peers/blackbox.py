"""blackbox_exporter: its page shows no chain, so each name's module has a rule about it."""

import json
import re
import shutil
from pathlib import Path

from benchmarks.expected import Answers, addresses_of, chain_of, name_of
from benchmarks.peers.exporters import report
from benchmarks.task import HOST, Tally, Task

PROGRAM = "prometheus-blackbox-exporter"
RECORDS = "probe_dns_answer_rrs 4\n"
SUCCESS = "probe_success 1\n"


class Blackbox:
    checked = "bucket, count"

    def command(self, task: Task, port: int, folder: Path) -> list[str]:
        """Return how it is started, with a module for each name, since a module holds the name."""
        program = shutil.which(PROGRAM)
        if program is None:
            raise SystemExit(f"not installed: apt-get install {PROGRAM}")
        if task.expected.answers is not Answers.SAME:
            raise SystemExit("its modules cannot expect answers that differ")
        modules = {f"d{number}": _module(number) for number in range(task.names)}
        config = folder / "blackbox.yml"
        config.write_text(json.dumps({"modules": modules}), encoding="ascii")  # JSON is YAML too
        where = f"--web.listen-address={HOST}:{port}"
        return [program, f"--config.file={config}", where, "--log.level=error"]

    def path(self, number: int, port: int) -> str:
        """Return the probe of that name at that resolver."""
        return f"/probe?module=d{number}&target={HOST}:{port}"

    def note(self, number: int, page: str, tally: Tally) -> None:
        """Believe its rule, that the bucket is among the records, and count these."""
        if SUCCESS in page and RECORDS in page:
            tally.note(number, chain_of(number), addresses_of(number))


def _module(number: int) -> dict[str, object]:
    bucket, _ = chain_of(number)
    dns = {
        "transport_protocol": "udp",
        "preferred_ip_protocol": "ip4",
        "query_name": name_of(number),
        "query_type": "A",
        "validate_answer_rrs": {
            "fail_if_none_matches_regexp": [rf"CNAME\t{re.escape(bucket)}\.$"],
        },
    }
    return {"prober": "dns", "timeout": "5s", "dns": dns}


if __name__ == "__main__":
    report(Blackbox())
