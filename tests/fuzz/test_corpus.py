"""All inputs that are kept are judged by their targets, and some that are made of them."""

from pathlib import Path
from random import Random

import pytest

from tests.fuzz import corpus
from tests.fuzz.mutations import mutated
from tests.fuzz.targets import NAMES, load

_MADE = 60  # inputs of each target, beside those that are kept


@pytest.mark.parametrize("name", NAMES)
def test_every_input_is_judged_to_be_handled_well(name: str) -> None:
    target, random = load(name), Random(name)
    known = corpus.inputs_of(target)
    made = [mutated(target, random.choice(known), known, random) for _ in range(_MADE)]
    for data in (*known, *made):
        try:
            target.judge(data)
        except BaseException as error:
            error.add_note(f"{name} judged {data!r}")
            raise


@pytest.mark.parametrize("name", NAMES)
def test_the_corpus_is_small_and_named_by_its_content(name: str) -> None:
    files = sorted((corpus.KEPT / name).iterdir())
    assert 0 < len(files) <= corpus.MOST_FILES
    assert sum(file.stat().st_size for file in files) <= corpus.MOST_OCTETS
    assert [file.name for file in files] == [corpus.name_of(file.read_bytes()) for file in files]


def test_every_folder_of_the_corpus_has_a_target() -> None:
    assert {folder.name for folder in Path(corpus.KEPT).iterdir()} == {*NAMES}
