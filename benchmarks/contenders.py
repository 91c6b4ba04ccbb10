"""Who takes part in the duel, with how many names, and how the peers are installed."""

import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "peers" / "requirements.txt"

FLOOR = "C, send and recv alone"
OURS = "ours, steady"
FRESH = "ours, new addresses each time"


@dataclass(frozen=True, slots=True)
class Contender:
    """A process that takes the arguments of `benchmarks.task` and reports in its way."""

    rows: tuple[str, ...]  # the row of its first round, of its second, ...; the last one repeats
    command: tuple[str, ...]
    names: int
    rounds: int = 1
    answers: str = "same"

    def row(self, round_: int) -> str:
        """Return the row that a round, counted from 0, belongs to."""
        return self.rows[min(round_, len(self.rows) - 1)]

    def reduced(self, names: int) -> "Contender":
        """Return the same with no more names than these, and no round that adds nothing."""
        return replace(self, names=min(names, self.names), rounds=len(self.rows))


def all_contenders(floor: Path, peers: Path, databases: Path) -> tuple[Contender, ...]:
    """Return all, the slow ones with fewer names: a probe costs them the same."""
    own, peer = Path(sys.executable), python_of(peers)
    unknown = _module(own, "engine")
    ours = (*unknown, f"--databases={databases}")
    return (
        Contender((FLOOR,), (str(floor),), 50_000, rounds=3),
        Contender(("ours, cold", OURS), ours, 50_000, rounds=3),
        Contender(("ours, cold, new addresses", FRESH), ours, 50_000, 3, answers="fresh"),
        Contender(("ours, first look",), unknown, 2500),
        Contender(("dnsperf (reads no records)",), _module(own, "peers.dnsperf"), 50_000),
        Contender(("pycares",), _module(peer, "peers.pycares"), 25_000),
        Contender(("aiodns",), _module(peer, "peers.aiodns"), 25_000),
        Contender(("blastdns",), _module(peer, "peers.blastdns"), 25_000),
        Contender(("dnspython, 32 threads",), _module(own, "peers.dnspython_threads"), 2500),
        Contender(("dnspython, asyncquery",), _module(own, "peers.dnspython_asyncquery"), 2500),
        Contender(("blackbox_exporter",), _module(own, "peers.blackbox"), 1000),
        Contender(("dns_exporter",), _module(peer, "peers.dns_exporter"), 250),
    )


def _module(python: Path, name: str) -> tuple[str, ...]:
    return str(python), "-m", f"benchmarks.{name}"


def install_peers(folder: Path) -> None:
    """Make a virtual environment with the peers, each if it can be had; the old one is kept."""
    done = folder / "requirements.txt"
    wanted = REQUIREMENTS.read_text(encoding="utf-8")
    if done.exists() and done.read_text(encoding="utf-8") == wanted:
        return
    _quietly(sys.executable, "-m", "venv", str(folder))
    pip = (str(python_of(folder)), "-m", "pip", "install", "-qq", "--disable-pip-version-check")
    lines = [line.partition("#")[0].strip() for line in wanted.splitlines()]
    are_installed = [_quietly(*pip, line) for line in lines if line]  # one may fail, not the rest
    if all(are_installed):
        done.write_text(wanted, encoding="utf-8")


def python_of(folder: Path) -> Path:
    """Return the Python that has the peers, or this one where they have not been installed."""
    python = folder / "bin" / "python"
    return python if python.exists() else Path(sys.executable)


def compiled(source: str, folder: Path) -> Path:
    """Compile one of the C programs here into a folder."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise SystemExit("a C compiler is needed: apt-get install gcc libc6-dev")
    program = folder / Path(source).stem
    command = [compiler, "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(program)]
    subprocess.run([*command, str(HERE / source)], check=True)  # noqa: S603
    return program


def _quietly(*command: str) -> bool:
    return subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode == 0  # noqa: S603
