"""What all tests share: an embedded AWS, how often a property is tried, what a run proved."""

import gc
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import is_hypothesis_test, settings
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped] # it has no types

from infra.local.aws.emulator import Emulator
from infra.local.program.run import region_of
from tests import proof
from tests.project import FROZEN, copy_of_project

# What is imported stays. To look through it again and again takes a third of the collection, and a
# quarter of each plan of the program, which imports more than all else.
gc.disable()
gc.set_threshold(50_000, 20, 20)

# What is started in a shell's background ignores Ctrl-C, and so would what the tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


# Its tests are those of changed copies of the project.
collect_ignore = ["changes"]

# Derandomized: a test that passed passes again. Without a deadline: the machines are noisy.
settings.register_profile("few", max_examples=25, deadline=None, derandomize=True, database=None)
settings.register_profile("many", settings.get_profile("few"), max_examples=1000)
settings.load_profile("few")


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    """An embedded AWS that runs all the time. Use it by `aws`, or give it to `deploy`."""
    with Emulator(region=region_of("dev", FROZEN)) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The frozen project, to deploy and to run commands in; none may spoil it."""
    return copy_of_project(tmp_path_factory.mktemp("frozen"))


@pytest.fixture
def aws(emulator: Emulator) -> Iterator[Emulator]:
    """An AWS in which there is nothing yet, and everything is allowed."""
    with emulator.emptied(region=emulator.region):
        yield emulator


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """What would be left out whole is not even imported: so `make test` starts sooner."""
    if config.getoption("markexpr") != "not slow" or collection_path.suffix != ".py":
        return None
    leaves_out = collection_path.parent.name in _LONG and (
        collection_path.name.startswith("test_")
        and "each_commit" not in collection_path.read_text(encoding="utf-8")
    )
    return True if leaves_out else None


_LONG: Final = ("image", "integration")
"""Folders whose tests take long, but for those that are marked `each_commit`."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that at the end no process is left alone with one."""
    for item in items:
        if item.nodeid.split("/")[1] in _LONG and not item.get_closest_marker("each_commit"):
            item.add_marker(pytest.mark.slow)
        if isinstance(item, pytest.Function) and is_hypothesis_test(item.obj):
            item.user_properties.append((proof.PROVED, proof.PROPERTY))
    items.sort(key=_place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Side by side, and one after the other what shares one thing.

    pytest-xdist's own groups are made by names of tests that pytest 9.2 does not let it change.
    """
    return Sharing(config, log)


class Sharing(LoadScopeScheduling):  # type: ignore[misc] # as above
    """Tests of one scope run in one process."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if file.startswith("tests/image/"):
            return "tests/image"  # the image that is built first
        return file if file.startswith(_SHARING) else nodeid


_SHARING: Final = (
    "tests/integration/test_pulumi_",  # a stack that Pulumi's engine has made
    "tests/unit/infra/config/test_contract.py",  # a copy of the project
)


def _place(item: pytest.Item) -> tuple[bool, bool]:
    is_short = item.get_closest_marker("slow") is None
    return is_short, item.nodeid.startswith("tests/unit/")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """In a few lines; the table where nothing was left out."""
    passed: list[pytest.TestReport] = terminalreporter.stats.get("passed", [])
    parts = [("what became of the records", proof.table), ("what was proved", proof.lines)]
    for title, told_by in parts if not config.getoption("markexpr") else parts[1:]:
        if told := list(told_by(passed)):
            terminalreporter.section(title)
            for line in told:
                terminalreporter.write_line(line)
