"""Which patterns are refused, and what is said about them.

The tag in a docstring is the evidence: [V] and [VS] recorded on Lambda, [VE] on EventBridge, [R]
what AWS's library aws/event-ruler does.
"""

import pytest

from infra.filters.pattern import FilterPattern, InvalidFilterPatternError


def refusal(text: str) -> str:
    with pytest.raises(InvalidFilterPatternError) as caught:
        FilterPattern(text)
    message = str(caught.value)
    assert message.startswith("Invalid filter pattern definition. ")
    return message.removeprefix("Invalid filter pattern definition. ")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("single-string", "pattern must be JSON: Expecting value at line 1, column 1"),
        ('{"a":["x"]} x', "pattern must be JSON: Extra data at line 1, column 13"),
        ('{"a":[NaN]}', "pattern must be JSON, which has no NaN"),
        ("null", "pattern must be a JSON object, got null"),
        ("[]", "pattern must be a JSON object, got []"),
    ],
)
def test_what_is_not_a_json_object_is_refused(text: str, reason: str) -> None:
    """[V single-string, VS null, simple string]"""
    assert refusal(text) == reason


@pytest.mark.parametrize(
    ("text", "wrapper"),
    [
        ('{"Pattern": "{}"}', '{"Pattern": ...}'),
        ('{"pattern": {"eventName": ["INSERT"]}}', '{"pattern": ...}'),
        ('{"Filters": [{"Pattern": "{}"}]}', '{"Filters": [...]}'),
        ('{"filters": [{"eventName": ["INSERT"]}]}', '{"filters": [...]}'),
        ('{"FilterCriteria": {"Filters": [{"Pattern": "{}"}]}}', '{"FilterCriteria": {...}}'),
    ],
)
def test_a_pattern_with_its_wrapper_is_refused_with_the_hint(text: str, wrapper: str) -> None:
    assert refusal(text) == f"pattern must be the pattern itself, without {wrapper} around it"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a":"x"}', 'a must be a list, as ["x"], got "x"'),
        ('{"a":{"b":5}}', "a.b must be a list, as [5], got 5"),
        ('{"a":[]}', 'a must not be an empty list; null is [null], the empty string [""]'),
        ("{}", "pattern must not be an empty object"),
        ('{"a":{"b":{}}}', "a.b must not be an empty object"),
    ],
)
def test_every_path_ends_in_a_list_of_values(text: str, reason: str) -> None:
    """[VS value-not-list, empty-list; VE; R]"""
    assert refusal(text) == reason


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ('["x"]', 'must be a string, a number, true, false, null or an operator, got ["x"]'),
        ("{}", "must have exactly one operator, got {}"),
        (
            '{"prefix":"x","suffix":"y"}',
            'must have exactly one operator, got {"prefix":"x","suffix":"y"}',
        ),
        ('{"exists":"true"}', 'must say exists true or false, got "true"'),
        ('{"prefix":5}', "must have a string for prefix, got 5"),
        ('{"suffix":["x"]}', 'must have a string for suffix, got ["x"]'),
        ('{"equals-ignore-case":null}', "must have a string for equals-ignore-case, got null"),
    ],
)
def test_a_value_is_a_literal_or_one_known_operator(value: str, reason: str) -> None:
    """[VE, R]"""
    assert refusal(f'{{"a":["fine",{value}]}}') == f"a[1] {reason}"


def test_an_operator_is_spelt_in_lower_case() -> None:
    """[VE operator_case_sensitive]"""
    assert refusal('{"a":[{"EXISTS":true}]}') == (
        "a[0] must have one of the operators anything-but, equals-ignore-case, exists, numeric, "
        'prefix, suffix, got "EXISTS"; did you mean "exists"?'
    )


@pytest.mark.parametrize(
    "operand", ["null", "true", "[]", '["x",1]', '["x",null]', "[true]", '{"exists":true}']
)
def test_anything_but_takes_texts_or_numbers(operand: str) -> None:
    """[VE, R]"""
    assert refusal(f'{{"a":[{{"anything-but":{operand}}}]}}') == (
        "a[0] must have strings or numbers for anything-but, at least one and not both, "
        f"got {operand}"
    )


@pytest.mark.parametrize(
    "operand",
    ["10", "[]", '[">"]', '["!=",5]', '[">",0,">",1]', '[">",0,"<"]', '["<",5,">",0]', '["=",5,5]'],
)
def test_numeric_takes_one_comparison_or_a_range(operand: str) -> None:
    """[VE, R]"""
    assert refusal(f'{{"a":[{{"numeric":{operand}}}]}}') == (
        'a[0] must have for numeric one comparison, as [">", 0], or a range with the lower bound '
        f'first, as [">=", 0, "<", 5], got {operand}'
    )


@pytest.mark.parametrize("operand", ['[">=",5,"<=",5]', '[">",5,"<",4]'])
def test_a_numeric_range_has_room_in_it(operand: str) -> None:
    """[R] Bottom must be less than top."""
    assert refusal(f'{{"a":[{{"numeric":{operand}}}]}}') == (
        f"a[0] must have a lower bound less than the upper one, got {operand}"
    )


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ('{"numeric":["=","5"]}', 'a[0] must compare with a number, got "5"'),
        ('{"numeric":["=",true]}', "a[0] must compare with a number, got true"),
        (
            '{"anything-but":9007199254740993}',
            "a[0] must compare with a number that fits a double, got 9007199254740993",
        ),
        ("1e400", "pattern must have numbers that fit into a double, got 1e400"),
        (f"1e{'9' * 19}", f"pattern must have numbers that fit into a double, got 1e{'9' * 19}"),
        ("9" * 5_000, f"pattern must have numbers that fit into a double, got {'9' * 77}..."),
    ],
)
def test_a_number_is_compared_as_a_double(value: str, reason: str) -> None:
    """[R]"""
    assert refusal(f'{{"a":[{value}]}}') == reason


@pytest.mark.parametrize(
    "value",
    [
        '{"wildcard":"a*"}',
        '{"cidr":"10.0.0.0/24"}',
        '{"exactly":"x"}',
        '{"prefix":{"equals-ignore-case":"x"}}',
        '{"suffix":{"equals-ignore-case":"x"}}',
        '{"anything-but":{"prefix":"x"}}',
        '{"anything-but":{"suffix":"x"}}',
        '{"anything-but":{"wildcard":"x"}}',
        '{"anything-but":{"equals-ignore-case":"x"}}',
    ],
)
def test_an_operator_that_only_eventbridge_documents_is_refused(value: str) -> None:
    assert "EventBridge knows but Lambda does not document: " in refusal(f'{{"a":[{value}]}}')


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"$or":{"a":[1]}}', '$or must be a list of at least two objects, got {"a":[1]}'),
        ('{"b":{"$or":[5]}}', "b.$or must be a list of at least two objects, got [5]"),
        ('{"$or":[{"a":[1]},5]}', "$or[1] must be an object, got 5"),
        ('{"$or":[{"a":[1]},{}]}', "$or[1] must not be an empty object"),
        (
            '{"$or":[{"a":[1]},{"b":{"prefix":["x"]}}]}',
            "$or[1].b.prefix is an operator's name, which no field within $or may have",
        ),
    ],
)
def test_or_takes_two_objects_of_fields(text: str, reason: str) -> None:
    """[R]"""
    assert refusal(text) == reason


def test_outside_of_or_a_field_may_be_called_as_an_operator() -> None:
    """[V prefix_filter: an attribute of that name; R]"""
    assert FilterPattern('{"prefix":["x"]}').matches({"prefix": "x"})


def test_too_many_combinations_are_refused_before_they_are_made() -> None:
    both = '"$or":[{"a":[1]},{"b":[1]}]'

    assert refusal("{" + ",".join([both] * 100) + "}") == (
        "$or must not make more than 1000 combinations of $or"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            '{"a":' * 2000 + "[1]" + "}" * 2000,
            # Which limit is met first depends on how deep this Python recurses.
            ("pattern must be nested less deeply", "must not be a path of more than 100 names"),
        ),
        (
            '{"$or":[{"a":[1]},' * 500 + '{"a":[1]}' + "]}" * 500,
            "pattern must be nested less deeply",
        ),
        ('{"' + ".".join("a" * 101) + '":[1]}', "must not be a path of more than 100 names"),
        ('{"a":' * 101 + "[1]" + "}" * 101, "must not be a path of more than 100 names"),
    ],
    ids=["objects", "$or", "dots", "names"],
)
def test_a_pattern_deeper_than_any_item_is_refused(
    text: str, reason: str | tuple[str, ...]
) -> None:
    assert refusal(text).endswith(reason)


def test_every_mistake_is_named_at_once() -> None:
    with pytest.raises(InvalidFilterPatternError) as caught:
        FilterPattern('{"a":"x","$or":[{"b":[]},{"c":[{"prefix":1}]}]}')

    assert [path for path, _ in caught.value.problems] == ["a", "$or[0].b", "$or[1].c[0]"]
