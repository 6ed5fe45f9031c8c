"""Several pipelines in one program: each its own, one image, and a stream that two of them read."""

from pathlib import Path
from textwrap import dedent
from typing import Any, Final

import pytest

from tests.plan import EVENT_SOURCE_MAPPING, FUNCTION, IMAGE, REPOSITORY, TABLE, Plan, plan_of

TWO: Final = """
    from dataclasses import dataclass, replace

    import pulumi

    from handler.change import Change
    from handler.config import EventName, RequestsStream, StreamViewType
    from handler.item_types import Key
    from infra.additions import Additions
    from infra.config.stack import StackConfig
    from infra.pipeline import RequestsPipeline, export


    @dataclass(frozen=True, kw_only=True, slots=True)
    class Payment:
        number: Key[int]
        amount: int


    @dataclass(frozen=True, kw_only=True, slots=True)
    class Settings:
        currency: str


    CONTRACT = RequestsStream()
    PAYMENTS = RequestsStream(
        request=Change[Payment],
        settings=Settings,
        entry_point="handler.payments.app.handler",
    )
"""

SIX_LINES: Final = """
    requests = RequestsPipeline(
        "requests", StackConfig.load(pulumi.Config(), CONTRACT, beside=["payments"])
    )
    payments = RequestsPipeline(
        "payments",
        StackConfig.load(pulumi.Config("payments"), PAYMENTS),
        Additions(settings={"currency": "EUR"}),
        image=requests.image,
    )
    export(requests, payments)
"""

AUDIT: Final = """
    requests = RequestsPipeline(
        "requests", StackConfig.load(pulumi.Config(), CONTRACT, beside=["audit"])
    )
    audit = replace(
        CONTRACT, events=(EventName.INSERT, EventName.MODIFY), entry_point="handler.audit.handler"
    )
    for number in range(READERS):
        RequestsPipeline(
            f"audit-{number}", StackConfig.load(pulumi.Config("audit"), audit), ADDITIONS,
            table=requests.table, image=requests.image,
        )
"""


def planned(folder: Path, program: str, stack: str = "", **config: Any) -> Plan:
    (folder / "__main__.py").write_text(dedent(TWO) + dedent(program), encoding="utf-8")
    (folder / "Pulumi.yaml").write_text("name: shop\n", encoding="utf-8")
    (folder / "Pulumi.dev.yaml").write_text(
        f"config:\n  aws:region: ap-northeast-1\n{stack}", encoding="utf-8"
    )
    return plan_of(config, project=folder)


def audited(folder: Path, readers: int = 1, stack: str = "", additions: str = "None") -> Plan:
    program = AUDIT.replace("READERS", str(readers)).replace("ADDITIONS", additions)
    return planned(folder, program, stack)


STACK: Final = """
  function:
    architecture: x86_64
    memorySize: 512
  payments:eventSource:
    batchSize: 7
  payments:function:
    memorySize: 128
"""


def test_each_pipeline_has_its_own_type_settings_entry_point_and_configuration(
    tmp_path: Path,
) -> None:
    plan = planned(tmp_path, SIX_LINES, STACK)

    assert plan.inputs_of(TABLE, "payments-table")["attributes"] == [
        {"name": "number", "type": "N"}
    ]
    requests, payments = (
        plan.inputs_of(FUNCTION, f"{name}-processor") for name in ("requests", "payments")
    )
    assert requests["imageConfig"] == {"commands": ["handler.app.handler"]}
    assert payments["imageConfig"] == {"commands": ["handler.payments.app.handler"]}
    assert [requests["memorySize"], payments["memorySize"]] == [512, 128]
    assert payments["environment"]["variables"]["CURRENCY"] == "EUR"
    assert "CURRENCY" not in requests["environment"]["variables"]
    assert plan.inputs_of(EVENT_SOURCE_MAPPING, "payments-mapping")["batchSize"] == 7
    assert plan.inputs_of(EVENT_SOURCE_MAPPING, "requests-mapping")["batchSize"] == 100


def test_one_image_of_one_repository_serves_every_function_in_its_architecture(
    tmp_path: Path,
) -> None:
    plan = planned(tmp_path, SIX_LINES, STACK)

    assert [len(plan.of_type(type_)) for type_ in (IMAGE, REPOSITORY, FUNCTION)] == [1, 1, 2]
    functions = plan.of_type(FUNCTION)
    assert len({each.inputs["imageUri"] for each in functions}) == 1
    assert [each.inputs["architectures"] for each in functions] == [["x86_64"], ["x86_64"]]


def test_each_of_several_pipelines_exports_one_object_with_what_the_only_one_has_at_the_top(
    tmp_path: Path,
) -> None:
    exports = planned(tmp_path, SIX_LINES).exports
    alone = plan_of({"monitoring": {"enabled": True}}).exports

    assert exports.keys() == {"requests", "payments"}
    assert exports["payments"].keys() == exports["requests"].keys() == alone.keys()
    assert exports["payments"]["tableName"] == "payments-table"
    assert '"number": {"N"' in exports["payments"]["putItemCommand"]


def test_the_two_functions_log_and_count_under_names_of_their_own(tmp_path: Path) -> None:
    functions = planned(tmp_path, SIX_LINES).of_type(FUNCTION)

    services = {
        each.inputs["environment"]["variables"]["POWERTOOLS_SERVICE_NAME"] for each in functions
    }
    assert services == {"shop/dev/requests-processor", "shop/dev/payments-processor"}


def test_a_mistake_in_a_pipelines_settings_has_its_namespace(tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"payments:eventSource.batchSize must be between"):
        planned(tmp_path, SIX_LINES, "  payments:eventSource:\n    batchSize: 0\n")


def test_a_namespace_that_no_pipeline_reads_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"set as paiments:table, .* beside=\[...\]"):
        planned(tmp_path, SIX_LINES, "  paiments:table:\n    ttlEnabled: true\n")


def test_a_value_over_the_stack_files_may_be_another_pipelines(tmp_path: Path) -> None:
    plan = planned(tmp_path, SIX_LINES, STACK, **{"payments:eventSource": {"batchSize": 9}})

    assert plan.inputs_of(EVENT_SOURCE_MAPPING, "payments-mapping")["batchSize"] == 9


def test_two_functions_read_one_stream_each_by_its_own_filter(tmp_path: Path) -> None:
    plan = audited(tmp_path)

    first, second = plan.of_type(EVENT_SOURCE_MAPPING)
    assert first.inputs["eventSourceArn"] == second.inputs["eventSourceArn"]
    assert second.inputs["filterCriteria"] == {
        "filters": [{"pattern": '{"eventName":["INSERT","MODIFY"]}'}]
    }
    assert [each.name for each in plan.of_type(TABLE) if "idempotency" not in each.name] == [
        "requests-table"
    ]


def test_a_third_reader_of_a_stream_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    audited(tmp_path, readers=1)
    assert "can be throttled" not in caplog.text

    audited(tmp_path, readers=2)
    assert "requests, audit-0, audit-1 read one stream" in caplog.text


@pytest.mark.parametrize(
    ("stack", "additions", "mistake"),
    [
        ("  audit:table: {ttlEnabled: true}\n", "None", "table is set, and the pipeline reads"),
        ("  audit:image: {keep: 7}\n", "None", "image is set, and the pipeline runs"),
        (
            "  audit:stream: {viewType: NEW_AND_OLD_IMAGES}\n",
            "None",
            "stream.viewType must be NEW_IMAGE, which the table's stream carries",
        ),
        ("", "Additions(attributes=[1])", "attributes cannot be given: the pipeline reads"),
    ],
)
def test_nothing_is_set_of_what_another_pipeline_makes(
    tmp_path: Path, stack: str, additions: str, mistake: str
) -> None:
    with pytest.raises(Exception, match=r"in the pipeline audit-0:\n  - ") as caught:
        audited(tmp_path, stack=stack, additions=additions)

    assert mistake in str(caught.value)


def test_the_item_of_a_shared_table_has_the_tables_keys(tmp_path: Path) -> None:
    program = AUDIT.replace("READERS", "1").replace("ADDITIONS", "None")
    program = program.replace(
        "replace(\n        CONTRACT,", "replace(\n        CONTRACT, request=Change[Payment],"
    )

    with pytest.raises(Exception, match="item must have the keys of the table"):
        planned(tmp_path, program)
