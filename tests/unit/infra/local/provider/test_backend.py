"""Our providers work for the run's own backend, and touch no other."""

from pathlib import Path

import pytest

from infra.local.provider.backend import MARK, Backend, ForeignBackendError


def test_a_stack_of_this_run_carries_its_mark(tmp_path: Path) -> None:
    backend = Backend(folder=tmp_path)

    marked = backend.marked({}, {"region": "ap-northeast-1"})

    assert marked["region"] == "ap-northeast-1"
    assert backend.marked(marked, {})[MARK] == marked[MARK]
    backend.ensure_own(marked)


def test_a_real_stack_and_that_of_another_run_are_refused(tmp_path: Path) -> None:
    backend, other = Backend(folder=tmp_path), Backend(folder=tmp_path)

    for state in ({"region": "ap-northeast-1"}, other.marked({}, {})):
        with pytest.raises(ForeignBackendError, match="is not the local run's"):
            backend.ensure_own(state)
        with pytest.raises(ForeignBackendError, match="is not the local run's"):
            backend.marked(state, {})


def test_an_update_that_holds_no_lock_in_the_folder_is_another_backends(tmp_path: Path) -> None:
    backend = Backend(folder=tmp_path)

    with pytest.raises(ForeignBackendError, match="another backend"):
        backend.ensure_locked()
    lock = tmp_path / ".pulumi/locks/organization/requests-processor/dev/1.json"
    lock.parent.mkdir(parents=True)
    lock.touch()
    backend.ensure_locked()
