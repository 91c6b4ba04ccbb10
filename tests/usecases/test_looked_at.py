from monitor.core.names import DomainName
from monitor.usecases.looked_at import LookedAt

A, B, C = (DomainName(f"{letter}.example") for letter in "abc")


def test_domains_count_as_they_are_looked_at_and_at_the_end_all_do() -> None:
    looked_at = LookedAt()
    looked_at.note([A])
    assert [name in looked_at for name in (A, B)] == [True, False]
    looked_at.note_all()
    looked_at.note([B])
    assert [name in looked_at for name in (A, B, C)] == [True, True, True]


def test_what_a_former_look_has_looked_at_counts_too() -> None:
    looked_at, former = LookedAt(), LookedAt()
    looked_at.note([A])
    former.note([B])
    looked_at.take_over(former)
    assert [name in looked_at for name in (A, B, C)] == [True, True, False]
    former.note_all()
    looked_at.take_over(former)
    assert C in looked_at
