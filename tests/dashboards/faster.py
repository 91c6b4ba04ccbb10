"""The rules and the configuration that are shipped, on a clock that runs faster.

Each duration is divided by one factor, and the addresses of the example are replaced; all else is
as it is shipped. Numbers of seconds in expressions stay, so what waits for such a number (an
inventory that is an hour old) takes as long as it does.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from tests.dashboards.shipped import ALERTMANAGER_FILE, ALERTS_FILE, RECORDING_FILE
from tests.servers.endpoints import Endpoint

SPEED = 120  # an hour passes in half a minute, and a minute in half a second
MINUTE = "500ms"

_KEYS = ("for", "keep_firing_for", "group_wait", "group_interval", "repeat_interval")
_DURATION = re.compile(rf"(\b(?:{'|'.join(_KEYS)}): |\[)(\d+)([smhd])\b")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_EXAMPLE = "http://127.0.0.1:9095/"


def rules(folder: Path) -> Sequence[Path]:
    """Write the rules into the folder, and return where they are."""
    written = []
    for file in (ALERTS_FILE, RECORDING_FILE):
        path = folder / file.name
        path.write_text(faster(file.read_text(encoding="utf-8")), encoding="utf-8")
        written.append(path)
    return written


def alertmanager_config(sink: Endpoint) -> str:
    """Return the example's text with the receivers at the sink, under their own paths."""
    text = ALERTMANAGER_FILE.read_text(encoding="utf-8")
    assert _EXAMPLE in text
    return faster(text).replace(_EXAMPLE, f"http://{sink}/")


def faster(text: str) -> str:
    return _DURATION.sub(_divided, text)


def _divided(found: re.Match[str]) -> str:
    milliseconds = int(found[2]) * _SECONDS[found[3]] * 1000 / SPEED
    return f"{found[1]}{milliseconds:.0f}ms"
