"""What the provider would say of a change: which ones count, and which replace the resource."""

from typing import Any

import pytest

from infra.local.aws import resources
from infra.local.program.engine import UNKNOWN
from infra.local.provider.changes import Change, Kind, changes
from infra.local.provider.merging import narrowed, observed, with_kept

TABLE = resources.type_of("aws:dynamodb/table:Table")
MAPPING = resources.type_of(resources.EVENT_SOURCE_MAPPING)
IMAGE = resources.type_of(resources.IMAGE)
POLICY = resources.type_of("aws:iam/rolePolicy:RolePolicy")


def found(old: dict[str, Any], new: dict[str, Any], type_: Any = TABLE, **also: Any) -> list[str]:
    """As `path kind`, with an exclamation mark for what replaces."""
    state = also.pop("state", old)
    return [told(each) for each in changes(type_, state=state, old=old, new=new, **also)]


def told(change: Change) -> str:
    return f"{change.path} {change.kind.name}{'!' if change.replaces else ''}"


def test_what_is_set_changed_and_taken_back_is_said_by_its_path() -> None:
    assert found({}, {"billingMode": "PROVISIONED"}) == ["billingMode ADD"]
    assert found({"tags": {"a": "1"}}, {"tags": {"a": "2"}}) == ["tags.a UPDATE"]
    assert found({"tags": {"a": "1"}}, {"tags": {}}) == ["tags DELETE"]
    assert found({"tags": {"a": "1"}}, {"tags": {"a": "1"}}) == []


def test_what_cannot_be_changed_replaces() -> None:
    assert found({"hashKey": "a"}, {"hashKey": "b"}) == ["hashKey UPDATE!"]
    assert found({"rangeKey": "a"}, {}) == ["rangeKey DELETE!"]


def test_what_the_provider_keeps_shows_nothing_when_it_leaves_the_program() -> None:
    old = {"serverSideEncryption": {"enabled": True, "kmsKeyArn": "arn:key"}}
    new = {"serverSideEncryption": {"enabled": True}}

    assert found(old, new) == []
    assert with_kept(TABLE, old, new) == old


def test_what_aws_has_added_itself_is_no_change() -> None:
    state = {"hashKey": "a", "readCapacity": 0, "tags": {"a": "1", "aws:x": "2"}}

    assert found({"hashKey": "a"}, {"hashKey": "a"}, state=state) == []


def test_what_somebody_changed_in_aws_is_changed_back() -> None:
    old = {"deletionProtectionEnabled": True}

    assert found(old, old, state={"deletionProtectionEnabled": False}) == [
        "deletionProtectionEnabled UPDATE"
    ]


def test_what_a_preview_does_not_know_may_be_another_value() -> None:
    assert found({"role": "a"}, {"role": UNKNOWN}, POLICY) == ["role UPDATE!"]


def test_a_document_is_compared_as_one_and_a_set_without_its_order() -> None:
    one, other = {"name": "a", "type": "S"}, {"name": "b", "type": "S"}

    assert found({"policy": '{"a": 1, "b": 2}'}, {"policy": '{"b":2,"a":1}'}, POLICY) == []
    assert found({"attributes": [one, other]}, {"attributes": [other, one]}) == []


def test_a_table_shows_another_attribute_only_with_an_index() -> None:
    old = {"attributes": [{"name": "a", "type": "S"}]}
    new = {"attributes": [{"name": "a", "type": "N"}]}
    index = {"globalSecondaryIndexes": [{"name": "by-a"}]}

    assert found(old, new) == []
    assert found(old, {**new, **index}) == [
        "attributes[0].type UPDATE",
        "globalSecondaryIndexes ADD",
    ]


def test_a_registrys_new_password_is_no_reason_to_build() -> None:
    old = {"registry": {"server": "s", "username": "u", "password": "1"}}

    assert found(old, {"registry": {"server": "s", "username": "v", "password": "2"}}, IMAGE) == []
    assert found(old, {"registry": {"server": "t", "username": "u", "password": "1"}}, IMAGE)


def test_the_programs_own_exceptions_count() -> None:
    assert found({"tags": {"a": "1"}}, {"tags": {"a": "2"}}, ignored=["tags"]) == []


@pytest.mark.parametrize("kind", Kind)
def test_kinds_are_named_as_pulumi_names_them(kind: Kind) -> None:
    assert kind.value == kind.name


def test_of_what_is_found_counts_what_was_asked_for() -> None:
    wanted = {"ttl": {"enabled": True}, "filters": [{"pattern": "a"}], "gone": 1}
    actual = {"ttl": {"enabled": False, "attributeName": "t"}, "filters": [{"pattern": "b"}]}

    assert narrowed(actual, wanted) == {"ttl": {"enabled": False}, "filters": [{"pattern": "b"}]}


def test_one_more_of_the_users_own_keys_is_a_change() -> None:
    wanted = {"tags": {"a": "1"}, "environment": {"variables": {"A": "1"}}}
    actual = {"tags": {"a": "1", "b": "2"}, "environment": {"variables": {"A": "1", "B": "2"}}}

    assert narrowed(actual, wanted) == observed(actual, wanted) == actual


def test_a_document_that_says_the_same_stays_as_it_is_written() -> None:
    wanted = {"policy": '{"Version": "2012-10-17",  "Statement": []}'}

    for read in (narrowed, observed):
        assert read({"policy": '{"Statement":[],"Version":"2012-10-17"}'}, wanted) == wanted
        assert read({"policy": '{"Statement":[]}'}, wanted) == {"policy": '{"Statement":[]}'}


def test_what_is_not_read_stays_as_the_state_has_it() -> None:
    state = {"rules": [{"id": "expire", "filter": {"prefix": ""}}], "bucket": "b"}
    read = {"rules": [{"id": "other"}], "tags": {}, "description": "", "arn": "arn"}

    assert observed(read, state) == {
        "rules": [{"id": "other", "filter": {"prefix": ""}}],
        "bucket": "b",
        "arn": "arn",
    }
