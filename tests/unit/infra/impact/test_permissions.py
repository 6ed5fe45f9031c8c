"""Which permissions are new: action by action, resource by resource, with IAM's wildcards."""

import json
from typing import Any

import pytest

from infra.impact.permissions import Added, Document, added
from infra.impact.preview import SECRET
from infra.inputs import UNKNOWN

TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/orders"


def allow(action: object, resource: object = TABLE, **more: object) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def between(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> Added:
    documents = [
        Document.of(json.dumps({"Version": "2012-10-17", "Statement": each}))
        for each in (before, after)
    ]
    old, new = (document for document in documents if document is not None)
    return added([old], [new])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (allow("dynamodb:PutItem"), allow("dynamodb:PutItem", Sid="Renamed")),
        (allow(["dynamodb:PutItem", "dynamodb:GetItem"]), allow("dynamodb:PutItem")),
        (allow("dynamodb:*"), allow("dynamodb:PutItem")),
        (allow("DynamoDB:putitem"), allow("dynamodb:PutItem")),
        (allow("dynamodb:Put?tem"), allow("dynamodb:PutItem")),
        (allow("*", "*"), allow("s3:*", "arn:aws:s3:::*")),
        (allow("s3:PutObject", "arn:aws:s3:::a/*"), allow("s3:PutObject", "arn:aws:s3:::a/b/*")),
        (allow("s3:PutObject"), allow("s3:PutObject", Condition={"Bool": {"a": "true"}})),
    ],
)
def test_what_was_allowed_before_is_not_new(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert between([before], [after]) == Added(allowed=(), untold=[]) or between(
        [before], [after]
    ) == Added(allowed=[], untold=[])


@pytest.mark.parametrize(
    ("before", "after", "new"),
    [
        (allow("dynamodb:PutItem"), allow("dynamodb:*"), f"dynamodb:* on {TABLE}"),
        (allow("dynamodb:Put?tem"), allow("dynamodb:Put*"), f"dynamodb:Put* on {TABLE}"),
        (
            allow("s3:PutObject", "arn:aws:s3:::a/*"),
            allow("s3:PutObject", "*"),
            "s3:PutObject on *",
        ),
        (
            allow("s3:PutObject", "arn:aws:s3:::a/b*"),
            allow("s3:PutObject", "arn:aws:s3:::a/*"),
            "s3:PutObject on arn:aws:s3:::a/*",
        ),
        (
            allow("dynamodb:Query"),
            allow("dynamodb:Query", [TABLE, f"{TABLE}/index/*"]),
            f"dynamodb:Query on {TABLE}/index/*",
        ),
    ],
)
def test_what_no_statement_allowed_is_new(
    before: dict[str, Any], after: dict[str, Any], new: str
) -> None:
    assert list(between([before], [after]).allowed) == [new]


def test_a_new_principal_is_new() -> None:
    before = allow("sns:Publish", "*", Principal={"Service": "s3.amazonaws.com"})
    after = allow("sns:Publish", "*", Principal={"AWS": "arn:aws:iam::210987654321:root"})

    found = between([before], [after])

    assert list(found.allowed) == ["sns:Publish on * to AWS:arn:aws:iam::210987654321:root"]


@pytest.mark.parametrize(
    "statement",
    [
        {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
        {"Effect": "Allow", "Action": "s3:*", "NotResource": TABLE},
        allow("s3:GetObject", UNKNOWN),
    ],
)
def test_what_cannot_be_told_is_said_so(statement: dict[str, Any]) -> None:
    found = between([allow("s3:*", "*")], [statement])

    assert (list(found.allowed), len(found.untold)) == ([], 1)


def test_a_condition_that_goes_is_said() -> None:
    conditional = allow("s3:GetObject", Condition={"StringEquals": {"aws:SourceAccount": "1"}})

    assert list(between([conditional], [allow("s3:GetObject")]).untold) == [
        f"s3:GetObject on {TABLE}: its condition changed"
    ]


def test_a_denial_that_goes_is_said() -> None:
    denial = {"Sid": "NoDelete", "Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"}

    assert list(between([denial], []).untold) == [
        "the statement NoDelete no longer denies what it did"
    ]


@pytest.mark.parametrize("value", [UNKNOWN, SECRET])
def test_a_policy_that_nobody_can_read_is_said(value: str) -> None:
    unread = Document.of(value)

    assert unread is not None
    assert added([], [unread]).untold or added([unread], []).untold


def test_what_is_no_policy_is_none() -> None:
    assert Document.of(json.dumps({"rules": []})) is None
    assert Document.of("text") is None
    assert Document.of(7) is None
