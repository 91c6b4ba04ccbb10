from monitor.core.message import Message
from monitor.ports import NotDelivered


class RecordingNotifier:
    """Keeps what it is given, or fails as it is told to."""

    def __init__(self, name: str = "fake") -> None:
        self.name = name
        self.sent: list[Message] = []
        self.failure: NotDelivered | None = None

    async def send(self, message: Message) -> None:
        if self.failure:
            raise self.failure
        self.sent.append(message)
