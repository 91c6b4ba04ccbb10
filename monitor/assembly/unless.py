"""Work that an end need not wait for."""

import asyncio
from collections.abc import Coroutine


async def done_unless(stopped: asyncio.Event, work: Coroutine[None, None, object]) -> bool:
    """Return whether the work was done before somebody stopped it; raise what it raises."""
    if stopped.is_set():
        work.close()
        return False
    working = asyncio.ensure_future(work)
    stopping = asyncio.ensure_future(stopped.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            return False
        working.result()
        return True
    finally:
        stopping.cancel()
        working.cancel()
