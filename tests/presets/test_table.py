from pathlib import Path

from mixbridge.presets.sections import console_markdown

DOCS = Path(__file__).parents[2] / "docs" / "console.md"


def test_the_docs_show_the_table_as_it_is():
    assert DOCS.read_text(encoding="utf-8").endswith(console_markdown())


def test_every_setting_of_a_track_stands_in_it():
    assert "| `compressor.threshold_db` | -120 .. 60 dB | linear |  | level where it starts |" in console_markdown()
