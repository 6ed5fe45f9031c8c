"""What `up` prints for another terminal is what the guide's commands take."""

import re

from infra.local.up import VARIABLES
from tests import pages
from tests.plan import plan_of


def test_the_variables_of_the_operations_guide_are_the_stacks_exports() -> None:
    first = pages.text("operations.md").partition("```bash")[2].partition("```")[0]
    named = dict(re.findall(r"([A-Z_]+)=\$\(output (\w+)\)", first))

    assert named == VARIABLES
    assert set(VARIABLES.values()) <= plan_of().exports.keys()
