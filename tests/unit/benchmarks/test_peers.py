"""Environments of what others offer: installed once, or left out with the reason."""

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.benchmarks.peers import Peer, PeerLeftOutError, run_command, set_up


def peer(*packages: str, needs: tuple[str, ...] = (), is_python: bool = False) -> Peer:
    return Peer(name="peer", packages=packages, needs=needs, is_python=is_python)


class Installing:
    """Takes the place of pip and npm."""

    def __init__(self, *, fails: bool = False) -> None:
        self.commands: list[Sequence[str]] = []
        self._fails = fails

    def __call__(self, command: Sequence[str], folder: Path) -> None:
        if self._fails:
            raise PeerLeftOutError("npm could not install it")
        assert folder.is_dir()
        self.commands.append(command)


def test_an_environment_is_installed_once(tmp_path: Path) -> None:
    installing = Installing()

    folder = set_up(peer("one@1"), run=installing, folder=tmp_path / "peer")
    set_up(peer("one@1"), run=installing, folder=folder)

    (command,) = installing.commands
    assert command[:2] == ["npm", "install"]
    assert "--ignore-scripts" in command
    assert command[-1] == "one@1"


def test_another_version_is_installed_in_place_of_the_one_before(tmp_path: Path) -> None:
    installing = Installing()
    folder = set_up(peer("one@1"), run=installing, folder=tmp_path / "peer")
    (folder / "of-before").touch()

    set_up(peer("one@2"), run=installing, folder=folder)

    assert [command[-1] for command in installing.commands] == ["one@1", "one@2"]
    assert not (folder / "of-before").exists()


def test_an_installation_that_failed_is_begun_again(tmp_path: Path) -> None:
    with pytest.raises(PeerLeftOutError):
        set_up(peer("one@1"), run=Installing(fails=True), folder=tmp_path / "peer")
    installing = Installing()

    set_up(peer("one@1"), run=installing, folder=tmp_path / "peer")

    assert len(installing.commands) == 1


def test_a_python_environment_is_made_before_its_packages_are_installed(tmp_path: Path) -> None:
    installing = Installing()

    set_up(peer("one==1", is_python=True), run=installing, folder=tmp_path / "peer")

    venv, pip = installing.commands
    assert venv[1:] == ["-m", "venv", str(tmp_path / "peer")]
    assert pip[0] == str(tmp_path / "peer" / "bin" / "python")
    assert pip[-1] == "one==1"


def test_what_needs_a_program_that_is_not_there_says_so(tmp_path: Path) -> None:
    needing = peer("one@1", needs=("no-such-program",))

    with pytest.raises(PeerLeftOutError, match="no-such-program is not on this machine"):
        set_up(needing, run=Installing(), folder=tmp_path / "peer")


def test_a_failed_installation_gives_the_last_line_that_was_printed(tmp_path: Path) -> None:
    printing = "import sys; sys.exit('no such package\\n')"

    with pytest.raises(PeerLeftOutError, match=r"python\S* could not install it: no such package$"):
        run_command([sys.executable, "-c", printing], tmp_path)
