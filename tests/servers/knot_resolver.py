"""Knot Resolver as a child process."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.cache_server import NOWHERE, CacheServer, Stubs, is_awake
from tests.servers.endpoints import Endpoint, free_endpoint
from tests.servers.installed import require
from tests.servers.process import START_LIMIT, ServerFailed, home, running
from tests.servers.zone_text import absolute


@dataclass(frozen=True, slots=True)
class KnotResolver:
    """A cache that asks the given authorities; it follows aliases, but no delegations below them.

    A question without RD is answered from the cache alone, and fails where the cache has nothing;
    as Debian ships it, it would be refused. `extra` are lines of Lua.
    """

    stubs: Stubs
    min_ttl: int = 0
    max_ttl: int = 86_400
    serves_stale: bool = False
    extra: Sequence[str] = ()
    at: Endpoint = field(default_factory=free_endpoint)

    @contextmanager
    def running(self) -> Iterator[CacheServer]:
        """Answer until the block ends."""
        kresd = require("kresd")
        with home("kresd") as directory:
            config = directory / "kresd.conf"
            config.write_text(self._config(directory))

            def flush() -> None:
                _tell(directory / "control.sock", "cache.clear()", expected="count")

            command = (kresd, "-n", "-c", config, directory)
            with running(command, directory / "server.log", lambda: is_awake(self.at)) as process:
                yield CacheServer("knot-resolver", self.at, process, flush)

    def _config(self, directory: Path) -> str:
        lines = [
            "log_target('stderr')",
            # Nothing leaves loopback, nothing is signed, and nobody is asked unasked.
            "net.ipv6 = false\nnet.outgoing_v4('127.0.0.1')",
            "trust_anchors.remove('.')",
            "modules.unload('priming')\nmodules.unload('detect_time_skew')",
            "modules.unload('refuse_nord')",
            f"net.listen('{self.at.address}', {self.at.port}, {{ kind = 'dns' }})",
            f"net.listen('{directory}/control.sock', nil, {{ kind = 'control' }})",
            f"cache.open(16 * MB, 'lmdb://{directory}/cache')",
            f"cache.min_ttl({self.min_ttl})\ncache.max_ttl({self.max_ttl})",
            *(_STALE if self.serves_stale else ()),
            "modules.load('nsid')\nnsid.name('knot-resolver.test')",
            _forwarding(self.stubs),
            *self.extra,
        ]
        return "\n".join(lines) + "\n"


# It looks whether its patience is over only when an authority has not answered for 2 s.
_STALE = ("modules.load('serve_stale < cache')", "serve_stale.timeout = 200")

# `policy.FORWARD` settles once for a whole request who is asked, which would put the target of an
# alias to the servers of the alias. So every step of a request gets the servers of its own zone,
# as many as the policy named, since the room for what is known of them is made before.
_FORWARDING = """
local ffi = require('ffi')
local function closest(name)
  if stubs[name] or name == '.' then return stubs[name] end
  return closest(name:match('^[^.]*%.(.+)$') or '.')
end
for _, targets in pairs(stubs) do
  for i, target in ipairs(targets) do
    targets[i] = ffi.gc(ffi.C.kr_straddr_socket(target.address, target.port, nil), ffi.C.free)
  end
end
local function produce(state, request)
  local step = request:current()
  if bit.band(state, bit.bor(kres.DONE, kres.FAIL)) ~= 0 or step.flags.CACHED then return state end
  local asked = request.qsource.packet
  local targets = closest(kres.dname2str(step.sname):lower())
  if not targets or (asked ~= nil and not asked:rd()) then return kres.FAIL end
  request.selection_context.forwarding_targets.len = 0
  for _, target in ipairs(targets) do ffi.C.kr_forward_add_target(request, target) end
  return state
end
package.preload['kres_modules.stubs'] = function () return { layer = { produce = produce } } end
modules.load('stubs')
"""


def _forwarding(stubs: Stubs) -> str:
    room = max((len(authorities) for authorities in stubs.values()), default=1)
    zones = [
        f"  ['{absolute(zone).lower()}'] = {{ {_targets(authorities, room)} }},"
        for zone, authorities in stubs.items()
    ]
    nobody = ", ".join([f"'{NOWHERE}'"] * room)
    policy = f"policy.add(policy.all(policy.FORWARD({{ {nobody} }})))"
    return "\n".join(["local stubs = {", *zones, "}", _FORWARDING.strip(), policy])


def _targets(authorities: Sequence[Endpoint], room: int) -> str:
    repeated = (authorities[i % len(authorities)] for i in range(room))
    return ", ".join(f"{{ address = '{at.address}', port = {at.port} }}" for at in repeated)


def _tell(control: Path, command: str, *, expected: str) -> None:
    """Have a line of Lua run; its words are in the failure."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(START_LIMIT)
        line.connect(str(control))
        line.sendall(f"{command}\n".encode())
        line.shutdown(socket.SHUT_WR)
        words = b"".join(iter(lambda: line.recv(4096), b"")).decode()
    if expected not in words:
        raise ServerFailed(f"{command} failed: {words}")
