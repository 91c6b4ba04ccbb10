"""What many bring is recorded in few parts, each of them once, in order."""

import asyncio

import pytest

from monitor.usecases.together import Together


class Slow:
    """Records when it is let, and keeps what it recorded."""

    def __init__(self, most: int = 10) -> None:
        self.parts: list[list[str]] = []
        self.may_go = asyncio.Event()
        self.together = Together(self.record, lambda item: item[0], most)

    async def record(self, part: list[str]) -> None:
        self.parts.append(part)
        await self.may_go.wait()

    def bring(self, *items: str) -> "asyncio.Task[None]":
        return asyncio.ensure_future(self.together.bring(items))


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_comes_while_a_part_is_recorded_goes_in_one_part() -> None:
    slow = Slow()
    bringing = [slow.bring("a"), slow.bring("b"), slow.bring("c", "d")]
    await settle()
    bringing.append(slow.bring("e"))
    await settle()
    slow.may_go.set()
    await asyncio.gather(*bringing)
    assert slow.parts == [["a"], ["b", "c", "d", "e"]]


async def test_nobody_returns_before_what_he_brought_is_recorded() -> None:
    slow = Slow()
    first = slow.bring("a")
    await settle()
    second = slow.bring("b")
    await settle()
    assert not first.done()
    assert not second.done()
    slow.may_go.set()
    await asyncio.gather(first, second)
    assert slow.parts == [["a"], ["b"]]


@pytest.mark.parametrize(
    ("items", "parts"),
    [
        (("a", "b", "c"), [["a", "b"], ["c"]]),  # a part has two at most
        (("a1", "a2", "b1"), [["a1", "b1"], ["a2"]]),  # and one of a kind
        (("a1", "a2", "a3"), [["a1"], ["a2"], ["a3"]]),
        ((), []),
    ],
)
async def test_a_part_has_a_most_and_nothing_twice(
    items: tuple[str, ...], parts: list[list[str]]
) -> None:
    slow = Slow(most=2)
    slow.may_go.set()
    await slow.together.bring(items)
    assert slow.parts == parts


async def test_who_is_cancelled_leaves_to_the_next_what_was_not_begun() -> None:
    slow = Slow(most=1)
    first = slow.bring("a", "b")
    await settle()
    second = slow.bring("c")
    first.cancel()
    await settle()
    slow.may_go.set()
    await second
    assert slow.parts == [["a"], ["b"], ["c"]]


async def test_a_part_that_fails_is_told_to_who_recorded_it_and_holds_up_nobody() -> None:
    recorded = list[list[str]]()

    async def record(part: list[str]) -> None:
        if "bad" in part:
            raise ValueError("bad")
        recorded.append(part)

    together = Together(record, lambda item: item, 1)
    with pytest.raises(ValueError, match="bad"):
        await together.bring(["bad"])
    await together.bring(["good"])
    assert recorded == [["good"]]
