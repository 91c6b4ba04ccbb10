"""What is so behind the answers: an alias at its authority, and what a cache holds of it."""

import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

import dns.name
from dns.rcode import NOERROR

from tests.servers.cache_server import CacheServer
from tests.servers.installed import require
from tests.servers.process import START_LIMIT, control
from tests.servers.questions import ask
from tests.servers.zone_server import ZoneServer, zone_file
from tests.servers.zone_text import serial_of

Held: TypeAlias = tuple[str, int]


def held(server: CacheServer, name: str) -> Held | None:
    """Return the target that a cache holds for an alias, and for how many seconds; ask nobody.

    Of a record whose time is over it returns None, even where the cache would tell it stale.
    """
    match server.name:
        case "unbound":
            return _alias(name, _dump_of_unbound(server))
        case "bind":
            return _alias(name, _dump_of_bind(server))
        case "knot-resolver":
            return _answer_of_knot_resolver(server, name)
        case _:
            raise ValueError(f"nobody knows how to look into {server.name}")


def changed(authority: ZoneServer, name: str, target: str, ttl: int) -> int:
    """Point an alias elsewhere at one authority; return the serial that its zone has now."""
    zone = _zone_of(authority, name)
    authority.change(zone, name, f"{ttl} CNAME {target}")
    return serial_of(zone, authority.text(zone))


def _dump_of_unbound(server: CacheServer) -> list[str]:
    # Not a question without RD: Unbound goes and fetches what it does not have.
    config = _home(server) / "unbound.conf"
    command = (require("unbound-control"), "-c", config, "dump_cache")
    done = subprocess.run(command, capture_output=True, text=True, timeout=START_LIMIT, check=True)
    return done.stdout.splitlines()


def _dump_of_bind(server: CacheServer) -> list[str]:
    # Not a question without RD: BIND refuses it below a zone of stubs.
    dump = _home(server) / "named_dump.db"
    dump.unlink(missing_ok=True)
    control([require("rndc"), "-c", _home(server) / "rndc.conf", "dumpdb", "-cache"])

    def is_written() -> bool:
        return dump.exists() and dump.read_text().endswith("; Dump complete\n")

    server.process.wait_until(is_written, "the dump of the cache")
    return list(_without_stale(dump.read_text().splitlines()))


def _without_stale(dump: Iterable[str]) -> Iterator[str]:
    """Leave out each record below a remark that it is kept for bad times only."""
    is_fresh, owner = True, ""
    for line in dump:
        if line.startswith(";"):
            is_fresh = is_fresh and not line.startswith(("; stale", "; ancient"))
            continue
        # The first record of a name states it, and those after begin with a tab.
        owner = owner if line[:1].isspace() else line.partition(" ")[0].partition("\t")[0]
        if is_fresh:
            yield f"{owner} {line.removeprefix(owner)}"
        is_fresh = True


def _answer_of_knot_resolver(server: CacheServer, name: str) -> Held | None:
    # It has no dump; in the lab it answers a question without RD from the cache alone.
    answer = ask(server.endpoint, name, "CNAME", recursive=False)
    if answer.rcode() is not NOERROR or not answer.answer:
        return None
    alias = answer.answer[0]
    return str(alias[0]), alias.ttl


def _alias(name: str, dump: Iterable[str]) -> Held | None:
    wanted = dns.name.from_text(name)
    for line in dump:
        match [word for word in line.split() if word != "IN"]:
            case [owner, ttl, "CNAME", target] if dns.name.from_text(owner) == wanted:
                return target, int(ttl)
    return None


def _zone_of(authority: ZoneServer, name: str) -> str:
    labels = name.rstrip(".").split(".")
    for depth in range(len(labels) + 1):
        zone = ".".join(labels[depth:]) or "."
        if zone_file(authority.directory, zone).exists():
            return zone
    raise ValueError(f"{name} is in no zone of the authority at {authority.endpoint}")


def _home(server: CacheServer) -> Path:
    return server.process.log.parent
