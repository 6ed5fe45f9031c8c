"""The content tag: what changes it, and what does not."""

import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra.build_context import content_tag, files, staged


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A build context as an allow-list makes it: two files of the image, and some that are not."""
    write(tmp_path, "Dockerfile", "FROM scratch\n")
    write(tmp_path, ".dockerignore", "*\n!app.py\n!package\n**/__pycache__\n**/*.pyc\n")
    write(tmp_path, "app.py", "def handler(event, context): ...\n")
    write(tmp_path, "package/module.py", "VALUE = 1\n")
    write(tmp_path, "notes.txt", "not of the image\n")
    return tmp_path


def write(context: Path, path: str, text: str) -> None:
    """Creates or replaces a file of the context."""
    (context / path).parent.mkdir(parents=True, exist_ok=True)
    (context / path).write_text(text, encoding="utf-8")


def tag(context: Path, *, platform: str = "linux/amd64", **arguments: str) -> str:
    """The context's tag."""
    return content_tag(context, platform=platform, arguments=arguments)


def test_the_tag_is_one_that_ecr_takes(context: Path) -> None:
    assert re.fullmatch(r"[0-9a-f]{20}", tag(context))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda context: write(context, "app.py", "changed"), id="a file's content"),
        pytest.param(lambda context: write(context, "package/new.py", ""), id="an empty new file"),
        pytest.param(lambda context: (context / "app.py").unlink(), id="a file less"),
        pytest.param(
            lambda context: (context / "package").rename(context / "app"), id="a folder's name"
        ),
        pytest.param(lambda context: write(context, "Dockerfile", "FROM x\n"), id="the Dockerfile"),
        pytest.param(
            lambda context: write(context, ".dockerignore", "*\n!app.py\n"), id="what is ignored"
        ),
    ],
)
def test_what_changes_the_image_changes_the_tag(
    context: Path, change: Callable[[Path], object]
) -> None:
    before = tag(context)

    change(context)

    assert tag(context) != before


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda context: os.utime(context / "app.py", (1, 1)), id="a time"),
        pytest.param(lambda context: (context / "app.py").chmod(0o755), id="a mode"),
        pytest.param(lambda context: write(context, "notes.txt", "changed"), id="an ignored file"),
        pytest.param(
            lambda context: write(context, "package/__pycache__/module.pyc", "x"), id="a cache"
        ),
        pytest.param(lambda context: (context / "package/empty").mkdir(), id="an empty folder"),
    ],
)
def test_what_does_not_change_the_image_does_not_change_the_tag(
    context: Path, change: Callable[[Path], object]
) -> None:
    before = tag(context)

    change(context)

    assert tag(context) == before


def test_another_platform_is_another_tag(context: Path) -> None:
    assert tag(context, platform="linux/arm64") != tag(context, platform="linux/amd64")


def test_another_build_argument_is_another_tag(context: Path) -> None:
    tags = {tag(context), tag(context, BASE_IMAGE="a"), tag(context, BASE_IMAGE="b")}

    assert len(tags) == 3


def test_the_order_of_build_arguments_does_not_matter(context: Path) -> None:
    assert tag(context, ONE="1", TWO="2") == tag(context, TWO="2", ONE="1")


def test_text_cannot_move_from_one_file_to_the_next_unnoticed(context: Path) -> None:
    write(context, "package/a.py", "one")
    write(context, "package/b.py", "two")
    before = tag(context)

    write(context, "package/a.py", "onet")
    write(context, "package/b.py", "wo")

    assert tag(context) != before


def test_another_checkout_has_the_same_tag(context: Path) -> None:
    elsewhere = context.with_name(f"{context.name}-elsewhere")
    for path in reversed([*context.rglob("*")]):
        if path.is_file():
            write(elsewhere, str(path.relative_to(context)), path.read_text(encoding="utf-8"))

    assert tag(elsewhere) == tag(context)


@pytest.mark.parametrize(
    ("pattern", "path", "is_sent"),
    [
        ("notes.txt", "notes.txt", False),
        ("notes.txt", "deep/notes.txt", True),
        ("**/notes.txt", "notes.txt", False),
        ("**/notes.txt", "very/deep/notes.txt", False),
        ("deep", "deep/notes.txt", False),
        ("deep/", "deep/notes.txt", False),
        ("/deep", "deep/notes.txt", False),
        ("*.txt", "notes.txt", False),
        ("*.txt", "deep/notes.txt", True),
        ("deep/*.txt", "deep/notes.txt", False),
        ("deep/**", "deep/er/notes.txt", False),
        ("note?.txt", "notes.txt", False),
        ("note[a-s].txt", "notes.txt", False),
        ("note[t-z].txt", "notes.txt", True),
        ("note[^t-z].txt", "notes.txt", False),
        ("note\\s.txt", "notes.txt", False),
        ("other/../notes.txt", "notes.txt", False),
        ("deep//notes.txt", "deep/notes.txt", False),
        ("**/deep", "very/very/deep/notes.txt", False),
        ("\ufeffnotes.txt", "notes.txt", False),
        ("# notes.txt", "notes.txt", True),
        ("*\n!notes.txt", "notes.txt", True),
        ("*\n!deep", "deep/notes.txt", True),
        ("!notes.txt\n*", "notes.txt", False),
        ("*\n!deep\ndeep/notes.txt", "deep/notes.txt", False),
    ],
)
def test_files_are_ignored_as_docker_ignores_them(
    tmp_path: Path, pattern: str, path: str, is_sent: bool
) -> None:
    write(tmp_path, ".dockerignore", f"{pattern}\n")
    write(tmp_path, path, "")

    assert (path in map(str, files(tmp_path))) is is_sent


def test_the_dockerfile_is_sent_even_when_all_is_ignored(tmp_path: Path) -> None:
    write(tmp_path, ".dockerignore", "*\n")
    write(tmp_path, "Dockerfile", "FROM scratch\n")
    write(tmp_path, "app.py", "")

    assert [str(path) for path in files(tmp_path)] == ["Dockerfile"]


def test_a_context_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no build context at .*missing"):
        content_tag(tmp_path / "missing", platform="linux/amd64", arguments={})


@pytest.fixture
def staging(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that is not in the context."""
    return tmp_path_factory.mktemp("staging")


def modes(folder: Path) -> dict[str, int]:
    """Everything in a folder, and the folder itself, with its mode."""
    found = [folder, *folder.rglob("*")]
    return {str(path.relative_to(folder)): path.stat().st_mode & 0o777 for path in found}


def test_what_is_staged_is_what_docker_is_sent(context: Path, staging: Path) -> None:
    copy = staged(context, staging / "staged")

    assert files(copy) == files(context)
    assert (copy / "app.py").read_bytes() == (context / "app.py").read_bytes()
    assert (copy / ".dockerignore").read_bytes() == (context / ".dockerignore").read_bytes()
    assert not (copy / "notes.txt").exists()


@pytest.mark.parametrize("umask", [0o022, 0o002, 0o077])
def test_the_umask_is_not_to_be_seen_in_what_is_staged(
    context: Path, staging: Path, umask: int
) -> None:
    for path in context.rglob("*"):
        path.chmod(0o777 & ~umask)
    before = os.umask(umask)
    try:
        copy = staged(context, staging / "staged")
    finally:
        os.umask(before)

    assert set(modes(copy).values()) == {0o755}


def test_the_same_content_is_staged_in_a_folder_of_the_same_name(
    context: Path, staging: Path
) -> None:
    first = staged(context, staging / "one")
    os.utime(context / "app.py", (1, 1))
    (context / "app.py").chmod(0o600)

    assert staged(context, staging / "two").name == first.name


def test_other_content_is_staged_beside_it(context: Path, staging: Path) -> None:
    first = staged(context, staging / "staged")
    write(context, "app.py", "changed")

    second = staged(context, staging / "staged")
    assert first != second
    assert (first / "app.py").read_text() != (second / "app.py").read_text() == "changed"


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda copy: write(copy, "app.py", "changed"), id="a changed file"),
        pytest.param(lambda copy: (copy / "app.py").unlink(), id="a file less"),
        pytest.param(lambda copy: write(copy, "new.py", ""), id="a file more"),
        pytest.param(lambda copy: (copy / "app.py").chmod(0o600), id="a mode"),
    ],
)
def test_what_someone_changed_in_it_is_staged_anew(
    context: Path, staging: Path, damage: Callable[[Path], object]
) -> None:
    whole = staged(context, staging / "staged")
    before = {path: (whole / path).read_bytes() for path in files(whole)}
    damage(whole)

    again = staged(context, staging / "staged")
    assert again == whole
    assert {path: (again / path).read_bytes() for path in files(again)} == before
    assert set(modes(again).values()) == {0o755}


def test_a_run_beside_another_finds_a_whole_context_and_leaves_nothing_else(
    context: Path, staging: Path
) -> None:
    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(lambda _: staged(context, staging / "staged"), range(16)))

    (copy,) = found
    assert [*(staging / "staged").iterdir()] == [copy]
    assert len(files(copy)) == len(files(context))
