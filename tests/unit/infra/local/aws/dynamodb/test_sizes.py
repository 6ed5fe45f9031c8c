"""How large DynamoDB says that an image is."""

from typing import Any

import pytest

from infra.local.aws.dynamodb.sizes import item_size


@pytest.mark.parametrize(
    ("images", "size"),
    [
        ([{"id": {"S": "id_value"}}] * 2, 20),
        ([{"id": {"S": "id_value"}}, {"id": {"S": "id_value"}, "id2": {"S": "id2_value"}}], 32),
        ([{"my_partition_key": {"S": "hello world"}}] * 2, 54),
        (
            [
                {"my_partition_key": {"S": "hello world"}},
                {"my_partition_key": {"S": "hello world"}, "binary_key": {"B": b"foobar"}},
            ],
            70,
        ),
        ([{"n": {"N": "42"}}], 3),
    ],
)
def test_sizes_are_those_recorded_on_aws(images: list[dict[str, Any]], size: int) -> None:
    """[V]"""
    assert sum(map(item_size, images)) == size


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"N": "-1.50"}, 3),
        ({"N": "12345"}, 4),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"SS": ["ab", "c"]}, 3),
        ({"NS": ["1", "22"]}, 4),
        ({"L": [{"S": "ab"}, {"BOOL": True}]}, 8),
        ({"M": {"ab": {"S": "c"}}}, 7),
    ],
)
def test_sizes_are_those_of_the_developer_guide(value: dict[str, Any], size: int) -> None:
    """[D]"""
    assert item_size({"a": value}) == 1 + size
