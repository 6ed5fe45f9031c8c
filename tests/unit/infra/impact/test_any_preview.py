"""Whatever stands in a preview, the command ends with an exit code and no traceback."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.impact.command import main
from infra.inputs import UNKNOWN
from tests.command_line import call
from tests.plan import plan_of
from tests.preview import preview_between

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.sampled_from([UNKNOWN, "delete", "create", "update", "replace"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2)
    ),
    max_leaves=4,
)


@pytest.fixture(scope="module")
def preview() -> Any:
    """Of an update that changes much."""
    changes: dict[str, Any] = {
        "stream": {"viewType": "NEW_AND_OLD_IMAGES"},
        "function": {"memorySize": 512, "tracing": False},
        "failures": {"retentionDays": 3, "forceDestroy": True},
        "table": {"deletionProtection": False, "ttlEnabled": True},
        "eventSource": {"startingPosition": "LATEST", "maximumRecordAgeInSeconds": 60},
    }
    return json.loads(preview_between(plan_of(), plan_of(changes)))


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands that could be something else."""
    found = [path]
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            found += places(each, (*path, key))
    return found


@given(data=st.data())
def test_any_value_may_be_any_other(
    preview: Any, data: st.DataObject, tmp_path_factory: Any
) -> None:
    digest = copy.deepcopy(preview)
    for _ in range(data.draw(st.integers(1, 3))):
        where = data.draw(st.sampled_from([each for each in places(digest) if each]))
        within = digest
        for key in where[:-1]:
            within = within[key]
        within[where[-1]] = data.draw(JSON)
    file = tmp_path_factory.mktemp("any") / "preview.json"
    file.write_text(json.dumps(digest), encoding="utf-8")

    done = call(main, str(file), "--markdown")

    assert done.returncode in {0, 1, 2}
