"""docs/benchmarks.md, its plot, and the figures behind both."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests import pages
from tests.benchmarks import __main__ as command
from tests.benchmarks.figures import (
    Bar,
    Measured,
    Panel,
    Part,
    Table,
    from_text,
    to_text,
    with_spread,
)
from tests.benchmarks.page import page, table_lines
from tests.benchmarks.plot import plot
from tests.benchmarks.side_by_side import Samples

PANEL = Panel(
    title="Handler",
    unit="µs",
    bars=(Bar(name="ours", value=10, is_ours=True), Bar(name="others' & more", value=40)),
)
PART = Part(
    title="Handler",
    tables=(Table(head=("what", "ours"), rows=(("small", "10 (9–11)"),)),),
    notes=("A note.",),
    panel=PANEL,
)
MEASURED = Measured(machine="2026-11-25, 2 cores", part=PART)


def test_page_and_plot_are_drawn_from_the_figures_beside_them() -> None:
    """Nobody edits a figure by hand."""
    measured = from_text(pages.text("benchmarks.json"))
    panels = [each.part.panel for each in measured.values() if each.part.panel]

    assert pages.text("benchmarks.md") == page(measured)
    assert pages.text("benchmarks.svg") == plot(panels)


def test_figures_are_read_back_as_they_were() -> None:
    without = Measured(machine="here", part=Part(title="Cold start", tables=()))
    measured = {"handler": MEASURED, "cold-start": without}

    assert from_text(to_text(measured)) == measured


def test_a_table_is_aligned_with_numbers_to_the_right() -> None:
    assert list(
        table_lines(Table(head=("what", "µs"), rows=(("a", "1,000"), ("longer", "2"))))
    ) == [
        "| what   |    µs |",
        "| ------ | ----: |",
        "| a      | 1,000 |",
        "| longer |     2 |",
    ]


def test_the_page_names_the_versions_of_what_is_compared() -> None:
    written = page({})

    assert "serverless-offline (serverless 3.40.0, serverless-offline 13.9.0, " in written
    assert "CDK in JavaScript (aws-cdk-lib 2.276.0, " in written
    assert "@aws-solutions-constructs/core 2.101.0" in written


def test_a_large_figure_is_whole() -> None:
    assert with_spread(Samples((5_511.4, 5_970.0, 6_012.6))) == "5,970 (5,741–5,991)"
    assert with_spread(Samples((23.71,))) == "23.7"


def test_a_section_says_how_it_is_measured_again_and_where_it_was() -> None:
    written = page({"handler": MEASURED})

    assert "## Handler\n\n| what  |      ours |\n" in written
    assert "\n- A note.\n" in written
    assert "<sub>`make bench ARGS=handler`, 2026-11-25, 2 cores</sub>" in written


def test_the_longest_bar_fills_its_panel_and_the_others_their_share() -> None:
    rectangles = list(ET.fromstring(plot([PANEL])).iter("{http://www.w3.org/2000/svg}rect"))  # noqa: S314

    assert [(each.get("class"), each.get("width")) for each in rectangles] == [
        ("ours", "100.0"),
        ("other", "400.0"),
    ]


def test_a_plot_says_in_words_what_it_shows() -> None:
    title = ET.fromstring(plot([PANEL])).find("{http://www.w3.org/2000/svg}title")  # noqa: S314

    assert title is not None
    assert title.text == "Handler: ours 10, others' & more 40"


def test_parts_that_were_not_measured_stay_on_the_page(tmp_path: Path) -> None:
    earlier = Measured(machine="elsewhere", part=Part(title="Cold start", tables=()))
    command.write({"cold-start": earlier}, tmp_path)

    command.write({"handler": MEASURED, "filters": None}, tmp_path)

    figures = from_text((tmp_path / "benchmarks.json").read_text(encoding="utf-8"))
    assert figures == {"handler": MEASURED, "cold-start": earlier}
    assert (tmp_path / "benchmarks.md").read_text(encoding="utf-8") == page(figures)
    assert (tmp_path / "benchmarks.svg").read_text(encoding="utf-8") == plot([PANEL])


def test_parts_that_are_named_are_printed_and_written_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "BENCHMARKS", {"handler": lambda: PART})
    monkeypatch.setattr(command, "DOCS", tmp_path)

    assert command.main(["handler"]) == 0
    assert "| small | 10 (9–11) |" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())
    assert command.main(["handler", "--write"]) == 0
    assert {each.name for each in tmp_path.iterdir()} == {
        "benchmarks.json",
        "benchmarks.md",
        "benchmarks.svg",
    }


def test_a_part_that_fails_keeps_no_other_from_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> Part:
        raise ConnectionError("no emulator")

    monkeypatch.setattr(command, "BENCHMARKS", {"cold-start": broken, "handler": lambda: PART})
    monkeypatch.setattr(command, "DOCS", tmp_path)

    assert command.main([]) == 1
    assert "ConnectionError: no emulator" in capsys.readouterr().err
    assert list(from_text((tmp_path / "benchmarks.json").read_text(encoding="utf-8"))) == [
        "handler"
    ]


def test_an_unknown_part_is_refused_with_those_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        command.main(["handlers"])

    assert "no benchmark handlers; there are: handler, " in capsys.readouterr().err
