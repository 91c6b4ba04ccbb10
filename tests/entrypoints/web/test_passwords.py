import asyncio
import threading

import bcrypt
import pytest

from monitor.entrypoints.web.passwords import Passwords, TooManyAttempts


def hashed(password: str, cost: int = 4) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()


USERS = {"alice": hashed("right"), "bob": hashed("also right")}


@pytest.mark.parametrize(
    ("user", "password", "expected"),
    [
        ("alice", "right", True),
        ("bob", "also right", True),
        ("alice", "also right", False),
        ("alice", "", False),
        ("alice", "right\0", False),
        ("Alice", "right", False),
        ("nobody", "right", False),
        ("", "", False),
    ],
)
async def test_a_password_belongs_to_its_user(user: str, password: str, expected: bool) -> None:
    passwords = Passwords()
    for _ in range(2):  # looked at, then remembered
        assert await passwords.is_right(USERS, user, password.encode()) is expected


@pytest.mark.parametrize("version", ["2a", "2b", "2y"])
async def test_hashes_of_all_tools_are_read(version: str) -> None:
    users = {"alice": f"${version}${hashed('right').split('$', 2)[2]}"}
    assert await Passwords().is_right(users, "alice", b"right")


async def test_a_password_longer_than_bcrypt_reads_is_no_error() -> None:
    passwords, long = Passwords(), "x" * 72
    users = {"alice": hashed(long)}
    assert await passwords.is_right(users, "alice", (long + "tail").encode())
    assert not await passwords.is_right(USERS, "alice", b"y" * 1000)


async def test_a_new_hash_makes_the_old_password_wrong_at_once() -> None:
    passwords = Passwords()
    assert await passwords.is_right(USERS, "alice", b"right")
    assert not await passwords.is_right({"alice": hashed("new")}, "alice", b"right")
    assert not await passwords.is_right({}, "alice", b"right")


class Counted:
    """Looks at passwords as bcrypt does, and notes by hashes of which cost."""

    def __init__(self) -> None:
        self.costs: list[str] = []

    def __call__(self, password: bytes, stored: bytes) -> bool:
        self.costs.append(stored[4:6].decode())
        return bcrypt.checkpw(password, stored)


async def test_what_was_looked_at_is_not_computed_again() -> None:
    counted = Counted()
    passwords = Passwords(counted)
    for _ in range(3):
        assert await passwords.is_right(USERS, "alice", b"right")
        assert not await passwords.is_right(USERS, "alice", b"wrong")
        assert not await passwords.is_right(USERS, "nobody", b"right")
    assert len(counted.costs) == 3


async def test_who_guesses_drives_out_nobody_who_was_right() -> None:
    counted = Counted()
    passwords = Passwords(counted)
    assert await passwords.is_right(USERS, "alice", b"right")
    for number in range(150):
        assert not await passwords.is_right(USERS, "bob", str(number).encode())
    assert await passwords.is_right(USERS, "alice", b"right")
    assert len(counted.costs) == 151
    assert not await passwords.is_right(USERS, "bob", b"0")
    assert len(counted.costs) == 152, "what is remembered is bounded"


async def test_an_unknown_user_costs_as_much_as_the_costliest_known_one() -> None:
    counted = Counted()
    passwords = Passwords(counted)
    users = {"alice": hashed("right", cost=5), "bob": hashed("right", cost=4)}
    for user in ("alice", "nobody", ""):
        await passwords.is_right(users, user, b"guess")
    assert counted.costs == ["05", "05", "05"]
    await passwords.is_right({}, "nobody", b"guess")
    assert counted.costs[-1] == "04"


async def test_passwords_are_looked_at_one_by_one_and_a_queue_turns_the_rest_away() -> None:
    entered, go_on, at_once = threading.Event(), threading.Event(), list[bytes]()

    def patiently(password: bytes, _stored: bytes) -> bool:
        at_once.append(password)
        entered.set()
        assert len(at_once) == 1 and go_on.wait(10)
        at_once.remove(password)
        return False

    passwords = Passwords(patiently)
    guesses = [passwords.is_right(USERS, "alice", str(n).encode()) for n in range(40)]
    waiting = asyncio.gather(*guesses, return_exceptions=True)
    await asyncio.to_thread(entered.wait, 10)  # the loop goes on while one is looked at
    assert not waiting.done()
    go_on.set()
    done = await waiting
    assert sum(isinstance(one, TooManyAttempts) for one in done) == 24
    assert done.count(False) == 16
    assert not await passwords.is_right(USERS, "alice", b"later"), "the queue is empty again"
