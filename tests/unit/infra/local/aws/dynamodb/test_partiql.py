"""PartiQL as the Developer Guide documents it, one item at a time."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.unit.infra.local.aws.dynamodb.conftest import Table, refusal

INSERT = "INSERT INTO \"mine\" VALUE {'id': ?, 'v': ?}"


def execute(table: Table, statement: str, *parameters: dict[str, Any], **more: Any) -> Any:
    given = {"Parameters": list(parameters)} if parameters else {}
    return table.dynamodb.execute_statement(Statement=statement, **given, **more)["Items"]


def batch(table: Table, *statements: tuple[str, list[dict[str, Any]]], **more: Any) -> Any:
    return table.dynamodb.batch_execute_statement(
        Statements=[
            {"Statement": text, "Parameters": parameters, **more} for text, parameters in statements
        ]
    )["Responses"]


def s(text: str) -> dict[str, Any]:
    return {"S": text}


def n(number: int) -> dict[str, Any]:
    return {"N": str(number)}


def test_insert_writes_an_item_and_its_record(table: Table) -> None:
    answer = execute(table, INSERT, s("a"), {"N": "1.50"})

    assert answer == []
    assert table.get("a") == {"id": s("a"), "v": {"N": "1.5"}}
    assert table.changes == [("INSERT", "a")]


def test_insert_refuses_a_key_that_is_there(table: Table) -> None:
    table.put("a")

    with pytest.raises(ClientError) as refused:
        execute(table, INSERT, s("a"), n(1))

    assert refusal(refused) == ("DuplicateItemException", "Duplicate primary key exists in table")
    assert table.get("a") == {"id": s("a")}


def test_insert_takes_literals_of_every_kind(table: Table) -> None:
    execute(
        table,
        "INSERT INTO mine value {'id': 'it''s', 't': TRUE, 'z': NULL, 'l': [1, 'b'], "
        "'m': {'k': -1.50}, 's': <<'b', 'a'>>}",
    )

    assert table.get("it's") == {
        "id": s("it's"),
        "t": {"BOOL": True},
        "z": {"NULL": True},
        "l": {"L": [n(1), s("b")]},
        "m": {"M": {"k": {"N": "-1.5"}}},
        "s": {"SS": ["a", "b"]},
    }


@pytest.mark.parametrize(
    ("returning", "returned"),
    [
        ("", []),
        ("RETURNING ALL OLD *", [{"id": s("a"), "v": n(1), "w": n(9)}]),
        ("RETURNING ALL NEW *", [{"id": s("a"), "v": n(3), "w": n(9)}]),
        ("RETURNING MODIFIED OLD *", [{"v": n(1)}]),
        ("RETURNING MODIFIED NEW *", [{"v": n(3)}]),
    ],
)
def test_update_returns_what_is_asked_for(table: Table, returning: str, returned: Any) -> None:
    table.put("a", v=n(1), w=n(9))

    statement = " ".join(["UPDATE mine SET v = v + ? WHERE id = ?", returning])
    answer = execute(table, statement, n(2), s("a"))

    assert answer == returned
    assert table.changes == [("INSERT", "a"), ("MODIFY", "a")]


def test_update_sets_and_removes(table: Table) -> None:
    table.put("a", old=n(1), m={"M": {"x": n(1)}}, l={"L": [n(1)]}, s={"SS": ["a"]})

    execute(
        table,
        'UPDATE "mine" SET "m"."x" = 2 SET l = list_append(l, [3]), s = set_add(s, <<\'b\'>>) '
        "REMOVE old WHERE id = 'a'",
    )

    assert table.get("a") == {
        "id": s("a"),
        "m": {"M": {"x": n(2)}},
        "l": {"L": [n(1), n(3)]},
        "s": {"SS": ["a", "b"]},
    }


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("v = 1", True),
        ("v <> 1", False),
        ("v < 2 AND v >= 1", True),
        ("(v = 2 OR w = 'x')", True),
        ("(v = 2 OR v = 3)", False),
        ("(v = 1 AND (w = 'y' OR w = 'x'))", True),
        ("NOT v = 2", True),
        ("NOT (v = 2 OR v = 1)", False),
        ("v IN [1, 2]", True),
        ("v BETWEEN 2 AND 3", False),
        ("absent IS MISSING", True),
        ("w IS NOT MISSING", True),
        ("z IS NULL", True),
        ("w IS NOT NULL", True),
        ("begins_with(w, 'x')", True),
        ("contains(w, 'y')", False),
        ("attribute_type(w, 'N')", False),
        ("size(w) = 1", True),
        ("m.k = 5", True),
        ("l[0] = 7", True),
    ],
)
def test_update_and_delete_are_made_where_the_condition_holds(
    table: Table, condition: str, holds: bool
) -> None:
    table.put("a", v=n(1), w=s("x"), z={"NULL": True}, m={"M": {"k": n(5)}}, l={"L": [n(7)]})

    for statement in ("UPDATE mine SET done = 1 WHERE", "DELETE FROM mine WHERE"):
        text = f"{statement} id = 'a' AND {condition}"
        if holds:
            execute(table, text)
            continue
        with pytest.raises(ClientError) as refused:
            execute(table, text)
        assert refusal(refused)[0] == "ConditionalCheckFailedException"

    assert (table.get("a") is None) is holds


def test_update_makes_no_item(table: Table) -> None:
    with pytest.raises(ClientError) as refused:
        execute(table, "UPDATE mine SET v = 1 WHERE id = 'absent'")

    assert refusal(refused)[0] == "ConditionalCheckFailedException"
    assert table.records() == []


def test_delete_of_an_item_that_is_not_there_succeeds(table: Table) -> None:
    assert execute(table, "DELETE FROM mine WHERE id = 'absent' AND v = 1") == []


def test_delete_returns_the_item(table: Table) -> None:
    table.put("a", v=n(1))

    answer = execute(table, "DELETE FROM mine WHERE id = ? RETURNING ALL OLD *", s("a"))

    assert answer == [{"id": s("a"), "v": n(1)}]
    assert table.changes == [("INSERT", "a"), ("REMOVE", "a")]


def test_select_reads_an_item_by_its_key(table: Table) -> None:
    table.put("a", v=n(1))

    assert execute(table, "SELECT * FROM mine WHERE id = ?", s("a")) == [{"id": s("a"), "v": n(1)}]
    assert execute(table, "SELECT * FROM mine WHERE id = 'absent'") == []


def test_a_condition_that_fails_shows_the_item_if_asked(table: Table) -> None:
    table.put("a", v=n(1))

    with pytest.raises(ClientError) as refused:
        execute(
            table,
            "UPDATE mine SET v = 2 WHERE id = 'a' AND v = 9",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )

    response: Any = refused.value.response
    assert response["Item"] == {"id": s("a"), "v": n(1)}


def test_a_batch_answers_each_statement_alone(table: Table) -> None:
    table.put("a", v=n(1))

    answer = batch(
        table,
        (INSERT, [s("a"), n(2)]),
        (INSERT, [s("b"), n(2)]),
        ("UPDATE mine SET v = ? WHERE id = ? AND v = ? RETURNING ALL OLD *", [n(2), s("a"), n(1)]),
        ("UPDATE mine SET v = ? WHERE id = ? AND v = ?", [n(3), s("a"), n(1)]),
        ("UPDATE absent SET v = ? WHERE id = ?", [n(3), s("a")]),
        ("UPDATE mine SET v = ? WHERE v = ?", [n(3), n(1)]),
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
    )

    assert answer[:4] == [
        {
            "TableName": "mine",
            "Error": {"Code": "DuplicateItem", "Message": "Duplicate primary key exists in table"},
        },
        {"TableName": "mine"},
        {"TableName": "mine", "Item": {"id": s("a"), "v": n(1)}},
        {
            "TableName": "mine",
            "Error": {
                "Code": "ConditionalCheckFailed",
                "Message": "The conditional request failed",
                "Item": {"id": s("a"), "v": n(2)},
            },
        },
    ]
    assert [each["Error"]["Code"] for each in answer[4:]] == ["ResourceNotFound", "ValidationError"]


def transact(table: Table, *statements: str, **more: Any) -> Any:
    return table.dynamodb.execute_transaction(
        TransactStatements=[{"Statement": each} for each in statements], **more
    )["Responses"]


def test_a_transaction_is_made_whole(table: Table) -> None:
    table.put("a", v=n(1))
    table.put("c")

    transact(
        table,
        "EXISTS(SELECT * FROM mine WHERE id = 'c' AND v IS MISSING)",
        "INSERT INTO mine VALUE {'id': 'b'}",
        "UPDATE mine SET v = 2 WHERE id = 'a'",
    )

    assert table.get("a") == {"id": s("a"), "v": n(2)}
    assert table.get("b") == {"id": s("b")}


def test_a_transaction_that_is_cancelled_leaves_nothing_and_says_why(table: Table) -> None:
    table.put("a", v=n(1))

    with pytest.raises(ClientError) as cancelled:
        transact(
            table,
            "INSERT INTO mine VALUE {'id': 'b'}",
            "INSERT INTO mine VALUE {'id': 'a'}",
            "EXISTS(SELECT * FROM mine WHERE id = 'c')",
        )

    response: Any = cancelled.value.response
    codes = [each["Code"] for each in response["CancellationReasons"]]
    assert codes == ["None", "DuplicateItem", "ConditionalCheckFailed"]
    assert table.get("b") is None
    assert table.changes == [("INSERT", "a")]


def test_a_transaction_reads_or_writes(table: Table) -> None:
    table.put("a")

    read = transact(
        table, "SELECT * FROM mine WHERE id = 'a'", "SELECT * FROM mine WHERE id = 'absent'"
    )
    with pytest.raises(ClientError) as refused:
        transact(table, "SELECT * FROM mine WHERE id = 'a'", "DELETE FROM mine WHERE id = 'b'")

    assert read == [{"Item": {"id": s("a")}}, {}]
    assert refusal(refused)[0] == "ValidationException"


def test_a_transaction_that_is_sent_again_has_no_effect(table: Table) -> None:
    for _ in range(2):
        transact(table, "INSERT INTO mine VALUE {'id': 'a'}", ClientRequestToken="one")

    assert table.changes == [("INSERT", "a")]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT id FROM mine WHERE id = 'a'",
        "SELECT * FROM mine WHERE id = 'a' AND v = 1",
        "CREATE TABLE mine",
        "INSERT INTO mine VALUE {'id': 'a'} ON CONFLICT DO NOTHING",
        "UPDATE mine SET v = WHERE id = 'a'",
        "UPDATE mine WHERE",
        "DELETE FROM mine WHERE id = 'a' RETURNING ALL NEW *",
        "INSERT INTO mine VALUE 'a'",
        "DELETE FROM mine WHERE id = 'a",
        "",
    ],
)
def test_the_rest_is_refused_with_one_line(table: Table, statement: str) -> None:
    with pytest.raises(ClientError) as refused:
        execute(table, statement or " ")

    code, message = refusal(refused)
    assert code == "ValidationException"
    assert message.startswith("Statement wasn't well formed, can't be processed: ")
    assert "\n" not in message


@pytest.mark.parametrize("statement", ["UPDATE mine SET v = 1", "DELETE FROM mine"])
def test_what_names_no_key_is_refused(table: Table, statement: str) -> None:
    for condition in ("v = 1", "id = 'a' OR v = 1", "NOT id = 'a'", "(id = 'a')", "id > 'a'"):
        with pytest.raises(ClientError) as refused:
            execute(table, f"{statement} WHERE {condition}")

        assert refusal(refused) == (
            "ValidationException",
            "Where clause does not contain a mandatory equality on all key attributes",
        )


def test_parameters_are_as_many_as_question_marks(table: Table) -> None:
    for parameters in ([s("a")], [s("a"), n(1), n(2)]):
        with pytest.raises(ClientError) as refused:
            execute(table, INSERT, *parameters)
        assert "parameters" in refusal(refused)[1]
