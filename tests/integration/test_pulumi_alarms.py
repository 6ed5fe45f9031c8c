"""Alarms that Pulumi's own engine makes, changes and deletes are evaluated as they are then."""

import pytest

from infra.local.cloudwatch.alarms import State
from tests.integration.pulumi_stacks import DEFAULTS, WITHOUT_ALARMS, stack

pytestmark = pytest.mark.xdist_group("pulumi-alarms")


def test_alarms_follow_the_stack() -> None:
    with stack("defaults", DEFAULTS) as monitored:
        monitored.up()
        monitored.aws.look_at_alarms()
        assert len(monitored.aws.alarms) == 13
        assert monitored.aws.alarms_not_evaluated == []
        lost = next(name for name in monitored.aws.alarms if name.endswith("-records-lost"))
        assert monitored.aws.alarms[lost] is State.OK

        monitored.config = WITHOUT_ALARMS
        monitored.up()
        assert monitored.aws.alarms == {}
