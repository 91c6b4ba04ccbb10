"""A folder and an event loop of one process."""

import asyncio
import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path


@cache
def folder() -> Path:
    """Return the folder; it is gone when the process ends."""
    made = tempfile.mkdtemp(prefix="fuzz-")
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return Path(made)


@cache
def loop() -> asyncio.AbstractEventLoop:
    """Return the loop, which no other code runs."""
    made = asyncio.new_event_loop()
    atexit.register(made.close)
    return made
