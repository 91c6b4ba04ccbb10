"""Pages that follow from the code were made from the code as it is."""

from pathlib import Path

from tools import configuration

ROOT = Path(__file__).parent.parent


def test_the_reference_of_the_configuration_is_current() -> None:
    written = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    assert written == configuration.page(), "make docs"
