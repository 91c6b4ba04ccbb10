"""A message as one text that a service takes as a whole."""

from monitor.core.message import Message


def fitted(message: Message, limit: int, cut: str) -> str:
    """Return title, body and link in at most `limit` bytes of UTF-8.

    Where the body is too long its last lines give way to `cut`, which says how many: "{count}".
    """
    link = (message.link,) if message.link else ()
    lines = message.body.split("\n") if message.body else []
    for kept in range(len(lines), -1, -1):
        gone = len(lines) - kept
        note = (cut.format(count=gone),) if gone else ()
        text = "\n".join((message.title, *lines[:kept], *note, *link))
        if len(text.encode()) <= limit:
            return text
    # Not even the title fits beside the link.
    return message.title.encode()[:limit].decode(errors="ignore")
