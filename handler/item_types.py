"""What an item of the table is: a dataclass, read once into a decoder of stream images.

From the type follow the table's key schema, what a filter may compare, and what `process` gets. It
is part of the contract, so the standard library is all it uses.
"""

import dataclasses
import json
import types
import typing
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from functools import cache, cached_property
from typing import Annotated, Any, Final, Generic, NamedTuple, TypeAlias, TypeVar

from handler.attribute_values import (
    DECODERS,
    MAXIMUM_DEPTH,
    UNTYPED,
    ContentDecoder,
    InvalidAttributeValueError,
    Mistake,
    in_words,
    invalid,
    list_of,
    map_of,
    one_deeper,
    set_of,
)
from handler.change import Change

T = TypeVar("T")


class KeyType(Enum):
    """The part that an attribute has in the table's key; DynamoDB's own words."""

    HASH = "HASH"
    RANGE = "RANGE"


Key: TypeAlias = Annotated[T, KeyType.HASH]
"""The partition key: `customer: Key[str]`."""
SortKey: TypeAlias = Annotated[T, KeyType.RANGE]
"""The sort key: `placed: SortKey[Decimal]`."""


class Attribute(NamedTuple):
    """The attribute's name where it is not the field's: `Annotated[str, Attribute("e-mail")]`."""

    name: str


class InvalidItemTypeError(ValueError):
    """The dataclass cannot be an item's type; says which field, why, and what would do."""


class KeyAttribute(NamedTuple):
    """One attribute of the table's key schema."""

    name: str
    type: str
    """S, N or B."""


class ItemType(Generic[T]):
    """A dataclass read as the type of a table's items.

    Everything but the constructor raises `InvalidItemTypeError` when the dataclass cannot be one:
    its hints are resolved when they are first needed.
    """

    def __init__(self, kind: type[T]) -> None:
        if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
            raise InvalidItemTypeError(f"an item's type must be a dataclass, got {kind!r}")
        self.kind: type[T] = kind

    @cached_property
    def keys(self) -> tuple[KeyAttribute, ...]:
        """The key schema: the partition key, then the sort key if there is one."""
        return _key_schema(self.kind, self._fields)

    @cached_property
    def attributes(self) -> Mapping[str, frozenset[str]]:
        """Each declared attribute with the DynamoDB types that it may have."""
        return {each.attribute: frozenset(each.decoders) for each in self._fields}

    @cached_property
    def hints(self) -> Mapping[str, Any]:
        """Each declared attribute with the hint of its field."""
        hints = typing.get_type_hints(self.kind, include_extras=True)
        return {each.attribute: hints[each.name] for each in self._fields}

    @cached_property
    def required(self) -> Mapping[str, Any]:
        """The attributes that every item has, with the hints of their fields."""
        needed = [each.attribute for each in self._fields if each.default is None]
        return {attribute: self.hints[attribute] for attribute in needed}

    @cached_property
    def is_keys_only(self) -> bool:
        """Whether the keys alone make an item, as the records of KEYS_ONLY have them."""
        keys = {key.name for key in self.keys}
        return all(each.attribute in keys or each.default is not None for each in self._fields)

    @cached_property
    def fingerprint(self) -> str:
        """The same for the same declaration, on every version of Python.

        A function that has another one than its stack has the code of another contract.
        """
        import hashlib  # noqa: PLC0415 - it loads OpenSSL: milliseconds of each cold start

        described: dict[str, Any] = {}
        _describe(self.kind, described)
        text = json.dumps(described, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:_FINGERPRINT_LENGTH]

    @cached_property
    def decode(self) -> Callable[[object], T]:
        """Makes the item of an image: attribute names with typed values.

        Raises `InvalidAttributeValueError` with all that does not fit, a `ValueError` of the
        dataclass's `__post_init__` among it, and what else that raises.
        """
        return typing.cast("Callable[[object], T]", _Decoders().of(self.kind))

    @cached_property
    def _fields(self) -> "tuple[_Field, ...]":
        return _Decoders().fields(self.kind)


class _Field(NamedTuple):
    """A field of the dataclass, as DynamoDB knows it."""

    name: str
    attribute: str
    key_type: KeyType | None
    decoders: Mapping[str, ContentDecoder]
    """By the DynamoDB types that the attribute may have."""
    default: Callable[[], Any] | None
    """Makes the value of an absent attribute; None: it must be there."""


class _Itself:
    """A type within itself: its decoder is there once the whole type has been read."""

    decoder: ContentDecoder

    def decode(self, content: object, depth: int) -> Any:
        return self.decoder(content, depth)


class _Decoders:
    """Reads type hints into decoders; a type within itself is read once."""

    def __init__(self) -> None:
        self._begun: dict[type[Any], _Itself] = {}

    def of(self, kind: type[Any]) -> ContentDecoder:
        """The decoder of the content of an M that is such a dataclass."""
        if kind in self._begun:
            return self._begun[kind].decode
        self._begun[kind] = itself = _Itself()
        itself.decoder = _dataclass_of(kind, self.fields(kind))
        return itself.decoder

    def fields(self, kind: type[Any]) -> tuple[_Field, ...]:
        """The dataclass's fields. Raises `InvalidItemTypeError` with all that is wrong."""
        try:
            hints = typing.get_type_hints(kind, include_extras=True)
        except (NameError, TypeError, SyntaxError) as error:
            raise InvalidItemTypeError(
                f"{kind.__name__}: a hint cannot be resolved: {error}"
            ) from None
        fields, problems = list[_Field](), list[str]()
        for field in dataclasses.fields(kind):
            try:
                fields.append(self._field(field, hints[field.name]))
            except InvalidItemTypeError as error:
                problems.append(f"{kind.__name__}.{field.name} {error}")
        problems += _repeated(kind, [each.attribute for each in fields])
        if problems:
            raise InvalidItemTypeError("; ".join(problems))
        return tuple(fields)

    def _field(self, field: "dataclasses.Field[Any]", hint: Any) -> _Field:
        if not field.init:
            raise InvalidItemTypeError("must be an argument of the constructor (init=True)")
        extras = getattr(hint, "__metadata__", ())
        decoders = self.decoders(hint)
        names = [each.name for each in extras if isinstance(each, Attribute)]
        return _Field(
            name=field.name,
            attribute=names[0] if names else field.name,
            key_type=next((each for each in extras if isinstance(each, KeyType)), None),
            decoders=decoders,
            default=_default(field, decoders),
        )

    def decoders(self, hint: Any) -> dict[str, ContentDecoder]:
        """By the DynamoDB types that a value of this hint may have."""
        origin, arguments = typing.get_origin(hint) or hint, typing.get_args(hint)
        if origin is Annotated:
            return self.decoders(arguments[0])
        if origin in {typing.Union, types.UnionType}:
            return self._union(arguments)
        if isinstance(hint, type) and dataclasses.is_dataclass(hint):
            return {"M": self.of(hint)}
        return self._container(origin, arguments) or _scalar(hint)

    def _container(self, origin: Any, arguments: Sequence[Any]) -> dict[str, ContentDecoder]:
        """Empty: it is none."""
        if origin is list:
            element = arguments[0] if arguments else Any
            return {"L": DECODERS["L"] if element is Any else list_of(self.decoders(element))}
        if origin is dict:
            value = _value_hint(arguments)
            return {"M": DECODERS["M"] if value is Any else map_of(self.decoders(value))}
        if origin is set and arguments:
            return self._set(arguments[0])
        return {}

    def _union(self, members: Sequence[Any]) -> dict[str, ContentDecoder]:
        decoders: dict[str, ContentDecoder] = {}
        for member in members:
            for kind, decoder in self.decoders(member).items():
                if kind in decoders:
                    raise InvalidItemTypeError(
                        f"is one of several types that are all {kind} in DynamoDB, "
                        "so that an item does not say which it is"
                    )
                decoders[kind] = decoder
        return decoders

    def _set(self, member: Any) -> dict[str, ContentDecoder]:
        decoders = self.decoders(member)
        if len(decoders) != 1 or not decoders.keys() <= {"S", "N", "B"}:
            raise InvalidItemTypeError(
                f"is a set of {_shown(member)}; DynamoDB has sets of str, int, Decimal and bytes"
            )
        ((kind, decoder),) = decoders.items()
        return {f"{kind}S": set_of(kind, decoder)}


def types_of(hint: Any) -> frozenset[str]:
    """The DynamoDB types that a value of this hint may have. Raises `InvalidItemTypeError`."""
    return frozenset(_Decoders().decoders(hint))


_ABOVE_ATTRIBUTES: Final = -1
"""The depth of an image: AWS counts the levels below an attribute."""


def _dataclass_of(kind: type[Any], fields: Sequence[_Field]) -> ContentDecoder:
    """Decodes the content of an M into the dataclass; attributes that it does not declare pass."""
    careful, setters = _careful_decoder(kind, fields), _setters(kind, fields)
    string: Final = DECODERS["S"]
    if not setters:
        return careful

    def decode(content: Any, depth: int = _ABOVE_ATTRIBUTES) -> Any:
        if depth >= MAXIMUM_DEPTH:
            return careful(content, depth)
        try:
            made = _new(kind)
            inner = depth + 1
            for attribute, set_field, decoders, default in setters:
                if default is not None and attribute not in content:
                    set_field(made, default())
                    continue
                value = content[attribute]
                (type_,) = value
                typed = value[type_]
                decode_content = decoders[type_]
                # What there is most of; calling its decoder would take as long again.
                if decode_content is string and type(typed) is str:
                    set_field(made, typed)
                else:
                    set_field(made, decode_content(typed, inner))
        except UNTYPED:
            return careful(content, depth)
        return made

    return decode


def _careful_decoder(kind: type[Any], fields: Sequence[_Field]) -> ContentDecoder:
    """Finds all that is wrong, and makes the dataclass by its constructor."""
    plan = [(each.name, each.attribute, each.decoders, each.default) for each in fields]

    def decode(content: object, depth: int = _ABOVE_ATTRIBUTES) -> Any:
        if not isinstance(content, dict):
            raise invalid(content, "an object, being an M")
        inner = depth + 1 if depth < MAXIMUM_DEPTH else one_deeper(content, depth)
        values: dict[str, Any] = {}
        mistakes: list[Mistake] = []
        for name, attribute, decoders, default in plan:
            if default is not None and attribute not in content:
                values[name] = default()
                continue
            try:
                value = content[attribute]
                (type_,) = value
                decode_content, typed = decoders[type_], value[type_]
            except UNTYPED:
                found, expected = content.get(attribute), in_words(decoders)
                mistakes.append(Mistake(f".{attribute}", found, expected))
                continue
            try:
                values[name] = decode_content(typed, inner)
            except InvalidAttributeValueError as error:
                mistakes += error.within(f".{attribute}")
        if mistakes:
            raise InvalidAttributeValueError(*mistakes)
        try:
            return kind(**values)
        except ValueError as error:
            raise invalid(content, f"a {kind.__name__}: {error}") from error

    return decode


_Setter = tuple[
    str, Callable[[Any, Any], None], Mapping[str, ContentDecoder], Callable[[], Any] | None
]
_new: Final = object.__new__


def _setters(kind: type[Any], fields: Sequence[_Field]) -> list[_Setter]:
    """Sets the fields one by one, in a third of the time that a constructor takes.

    None where the class has no slots, or where its making does more than to set them.
    """
    slots: list[Any] = [getattr(kind, each.name, None) for each in fields]
    if not _only_sets_fields(kind) or not all(map(_is_slot, slots)):
        return []
    return [
        (each.attribute, slot.__set__, each.decoders, each.default)
        for each, slot in zip(fields, slots, strict=True)
    ]


def _is_slot(attribute: object) -> bool:
    return isinstance(attribute, types.MemberDescriptorType)


def _only_sets_fields(kind: Any) -> bool:
    """Whether all of its making is what `dataclass` has written."""
    is_plain = kind.__setattr__ is object.__setattr__ or kind.__dataclass_params__.frozen
    is_generated = getattr(kind.__init__, "__code__", None) and (
        kind.__init__.__code__.co_filename == "<string>"
    )
    has_more = hasattr(kind, "__post_init__") or kind.__new__ is not _new
    return bool(is_plain and is_generated and not has_more)


def _scalar(hint: Any) -> dict[str, ContentDecoder]:
    if hint is Any or hint is object:
        return dict(DECODERS)
    try:
        return dict(_SCALARS[hint])
    except (KeyError, TypeError):
        raise InvalidItemTypeError(
            f"is of a type DynamoDB does not know: {_shown(hint)}; {_KNOWN}"
        ) from None


_FINGERPRINT_LENGTH: Final = 16


def _describe(kind: type[Any], described: dict[str, Any]) -> None:
    """Adds a dataclass and those within it, field by field."""
    if kind.__qualname__ in described:
        return
    fields = described[kind.__qualname__] = list[Any]()
    hints = typing.get_type_hints(kind, include_extras=True)
    for field in _Decoders().fields(kind):
        key = field.key_type.value if field.key_type else None
        may_be_absent = field.default is not None
        fields.append(
            [field.attribute, key, may_be_absent, _described(hints[field.name], described)]
        )


def _described(hint: Any, described: dict[str, Any]) -> Any:
    origin, arguments = typing.get_origin(hint) or hint, typing.get_args(hint)
    if origin is Annotated:
        return _described(arguments[0], described)
    if origin in {typing.Union, types.UnionType}:
        return ["any of", *sorted(json.dumps(_described(each, described)) for each in arguments)]
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        _describe(hint, described)
    return [_shown(origin), *(_described(each, described) for each in arguments)]


def _whole_number(content: object, depth: int) -> int:
    if type(content) is str and content.isdecimal() and content.isascii() and len(content) < 39:
        return int(content)
    number: Decimal = DECODERS["N"](content, depth)
    if number != number.to_integral_value():
        raise invalid(content, "a whole number, being an int")
    return int(number)


_SCALARS: Final[Mapping[Any, Mapping[str, ContentDecoder]]] = {
    str: {"S": DECODERS["S"]},
    int: {"N": _whole_number},
    Decimal: {"N": DECODERS["N"]},
    bytes: {"B": DECODERS["B"]},
    bool: {"BOOL": DECODERS["BOOL"]},
    type(None): {"NULL": DECODERS["NULL"]},
}
_KNOWN: Final = (
    "use str, int, Decimal (not float, which has 17 digits), bool, bytes, None, list, dict, "
    "set, a dataclass or Any"
)


def _default(
    field: "dataclasses.Field[Any]", decoders: Mapping[str, ContentDecoder]
) -> Callable[[], Any] | None:
    if field.default is not dataclasses.MISSING:
        return lambda: field.default
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory
    # DynamoDB has no empty set: an item without members lacks the attribute.
    return set if decoders.keys() <= {"SS", "NS", "BS"} else None


def _value_hint(arguments: Sequence[Any]) -> Any:
    if arguments and arguments[0] is not str:
        raise InvalidItemTypeError(f"has keys of {_shown(arguments[0])}; those of a map are str")
    return arguments[1] if arguments else Any


def _repeated(kind: type[Any], attributes: Sequence[str]) -> Iterator[str]:
    for attribute in dict.fromkeys(attributes):
        if attributes.count(attribute) > 1:
            yield f"{kind.__name__} has more than one field on the attribute {attribute}"
        if not attribute:
            yield f"{kind.__name__} has a field on an attribute without a name"


def _key_schema(kind: type[Any], fields: Sequence[_Field]) -> tuple[KeyAttribute, ...]:
    problems, schema = list[str](), list[KeyAttribute]()
    for key_type in KeyType:
        parts = [each for each in fields if each.key_type is key_type]
        if len(parts) > 1:
            names = " and ".join(each.name for each in parts)
            problems.append(f"{kind.__name__} has more than one {key_type.value} key: {names}")
        for part in parts:
            if len(part.decoders) != 1 or not part.decoders.keys() <= {"S", "N", "B"}:
                problems.append(
                    f"{kind.__name__}.{part.name} is a key: it must be str, int, Decimal or bytes"
                )
            if part.default is not None:
                problems.append(f"{kind.__name__}.{part.name} is a key: it can have no default")
            schema.append(KeyAttribute(name=part.attribute, type=next(iter(part.decoders))))
    if not any(each.key_type is KeyType.HASH for each in fields):
        problems.append(f"{kind.__name__} has no partition key; declare one, as id: Key[str]")
    if problems:
        raise InvalidItemTypeError("; ".join(problems))
    return tuple(schema)


def _shown(hint: Any) -> str:
    return hint.__qualname__ if isinstance(hint, type) else str(hint)


def item_type_of(request: Any) -> ItemType[Any]:
    """The type of the items of which these are changes: of `Change[Order]` it is Order.

    Raises `InvalidItemTypeError` when it is no change.
    """
    return _item_type_of(request)


@cache
def _item_type_of(request: Hashable) -> ItemType[Any]:
    for each in (request, *getattr(request, "__orig_bases__", ())):
        origin = typing.get_origin(each)
        if isinstance(origin, type) and issubclass(origin, Change):
            return ItemType(typing.get_args(each)[0])
    raise InvalidItemTypeError(f"a request must be a Change of an item, got {_shown(request)}")
