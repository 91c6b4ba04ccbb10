"""A prober that answers from a table."""

from collections.abc import Mapping
from datetime import timedelta

from monitor.core.answers import NoAnswer, NoAnswerReason, Outcome, Question, Reply
from monitor.core.servers import Transport
from monitor.ports import Clock, Server

SILENCE = NoAnswer(NoAnswerReason.TIMEOUT, "> 2 s")


class FakeProber:
    """Answers by server name and question, silent about the rest; remembers what it was asked.

    The table may be changed at any time.
    """

    def __init__(
        self, clock: Clock, answers: Mapping[tuple[str, Question], Outcome] | None = None
    ) -> None:
        self._clock = clock
        self.answers = dict(answers or {})
        self.asked: list[tuple[str, Question]] = []

    async def ask(self, server: Server, question: Question) -> Reply:
        self.asked.append((server.name, question))
        outcome = self.answers.get((server.name, question), SILENCE)
        rtt = timedelta(milliseconds=5)
        return Reply(outcome, self._clock.now(), rtt, Transport.UDP, b"wire")
