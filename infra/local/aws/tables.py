"""How a DynamoDB table lives in the embedded AWS: keys, indexes, capacity, stream, TTL.

And one that exists on AWS: here it is made, as the contract has it, before it is looked up.
Source: internal/service/dynamodb/table.go of terraform-provider-aws 6.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from infra import existing_table
from infra.local.aws import services
from infra.local.aws.emulator import Emulator
from infra.local.aws.not_made import NOT_MADE_HERE, not_known
from infra.local.aws.resource_type import Existing, Inputs, Naming, Outputs, ResourceType
from infra.local.aws.services import tags

TABLE: Final = "aws:dynamodb/table:Table"


def _create(emulator: Emulator, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Creates the table with all that Pulumi's Table has of it; the outputs are the provider's."""
    dynamodb = emulator.client("dynamodb")
    request = {"TableName": name, **_definition(inputs)}
    table = dynamodb.create_table(**request)["TableDescription"]
    if inputs.get("pointInTimeRecovery", {}).get("enabled"):
        dynamodb.update_continuous_backups(
            TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
    ttl = inputs.get("ttl", {})
    # Read also where it is off: it is not left out.
    attribute = ttl.get("attributeName")
    if ttl.get("enabled"):
        dynamodb.update_time_to_live(
            TableName=name,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": attribute},
        )
    return {"id": name, "name": name, "arn": table["TableArn"], **_stream(table)}


def _stream(table: Mapping[str, Any]) -> dict[str, Any]:
    if "LatestStreamArn" not in table:
        return {}
    return {"streamArn": table["LatestStreamArn"], "streamLabel": table["LatestStreamLabel"]}


def _update(emulator: Emulator, table: Existing, inputs: Inputs) -> Outputs:
    """In the provider's order: the stream, then what is left of the table, then what is its own."""
    dynamodb = emulator.client("dynamodb")
    if _of_stream(inputs) != _of_stream(table.state):
        # DynamoDB changes no stream: it is switched off, and a new one on.
        for specification in (_OFF, _of_stream(inputs)):
            dynamodb.update_table(TableName=table.id, StreamSpecification=specification)
    specified = _specified(inputs)
    before = _specified(table.state)
    changed = {key: each for key, each in specified.items() if each != before.get(key)}
    if changed:
        dynamodb.update_table(TableName=table.id, **changed)
    for index in _index_updates(table, inputs):
        # DynamoDB takes one at a time.
        dynamodb.update_table(
            TableName=table.id,
            AttributeDefinitions=_definition(inputs)["AttributeDefinitions"],
            GlobalSecondaryIndexUpdates=[index],
        )
    _update_backups(dynamodb, table, inputs)
    _update_ttl(dynamodb, table, inputs)
    arn = table["arn"]
    services.change_tags(
        table,
        inputs,
        tag=lambda given: dynamodb.tag_resource(ResourceArn=arn, Tags=given),
        untag=lambda keys: dynamodb.untag_resource(ResourceArn=arn, TagKeys=keys),
    )
    return _stream(dynamodb.describe_table(TableName=table.id)["Table"])


_OFF: Final = {"StreamEnabled": False}


def _of_stream(inputs: Inputs) -> dict[str, Any]:
    if not inputs.get("streamEnabled"):
        return _OFF
    return {"StreamEnabled": True, "StreamViewType": inputs["streamViewType"]}


def _specified(inputs: Inputs) -> dict[str, Any]:
    """What UpdateTable takes, beside the stream and the indexes."""
    encryption = inputs.get("serverSideEncryption")
    return {
        "DeletionProtectionEnabled": inputs.get("deletionProtectionEnabled", False),
        **_capacity(inputs),
        **({"SSESpecification": _encryption(encryption)} if encryption else {}),
    }


def _index_updates(table: Existing, inputs: Inputs) -> Iterator[dict[str, Any]]:
    """Another index of the same name is made anew, as the provider does."""
    before = {each["name"]: each for each in table.get("globalSecondaryIndexes", [])}
    wanted = {each["name"]: each for each in inputs.get("globalSecondaryIndexes") or []}
    for name, index in before.items():
        if wanted.get(name) != index:
            yield {"Delete": {"IndexName": name}}
    for name, index in wanted.items():
        if before.get(name) != index:
            yield {"Create": _index(index, inputs)}


def _update_backups(dynamodb: Any, table: Existing, inputs: Inputs) -> None:
    enabled = inputs.get("pointInTimeRecovery", {}).get("enabled", False)
    if enabled != table.get("pointInTimeRecovery", {}).get("enabled", False):
        dynamodb.update_continuous_backups(
            TableName=table.id,
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": enabled},
        )


def _update_ttl(dynamodb: Any, table: Existing, inputs: Inputs) -> None:
    """The provider sends the attribute's name always, and nothing while the TTL stays off."""
    ttl, before = inputs.get("ttl", {}), table.get("ttl", {})
    if ttl != before and (ttl.get("enabled") or before.get("enabled")):
        dynamodb.update_time_to_live(
            TableName=table.id,
            TimeToLiveSpecification={
                "Enabled": ttl.get("enabled", False),
                "AttributeName": ttl.get("attributeName", ""),
            },
        )


def _delete(emulator: Emulator, table: Existing) -> None:
    emulator.client("dynamodb").delete_table(TableName=table.id)


def _read(emulator: Emulator, name: str) -> Inputs | None:
    return services.unless_gone(lambda: _found(emulator.client("dynamodb"), name))


def _found(dynamodb: Any, name: str) -> Inputs:
    table = dynamodb.describe_table(TableName=name)["Table"]
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
    ttl = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    keys = {each["KeyType"]: each["AttributeName"] for each in table["KeySchema"]}
    sorted_ = {"rangeKey": keys["RANGE"]} if "RANGE" in keys else {}
    stream = table.get("StreamSpecification", _OFF)
    return {
        "name": name,
        "arn": table["TableArn"],
        "attributes": [
            {"name": each["AttributeName"], "type": each["AttributeType"]}
            for each in table["AttributeDefinitions"]
        ],
        "hashKey": keys["HASH"],
        **sorted_,
        "billingMode": table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
        "deletionProtectionEnabled": table.get("DeletionProtectionEnabled", False),
        "pointInTimeRecovery": {"enabled": recovery == "ENABLED"},
        "streamEnabled": stream["StreamEnabled"],
        "streamViewType": stream.get("StreamViewType", ""),
        **_stream(table),
        **_ttl_found(ttl),
        "tags": _tags_found(dynamodb, table["TableArn"]),
    }


def _ttl_found(ttl: Mapping[str, Any]) -> dict[str, Any]:
    # Of an attribute that was never switched on DynamoDB tells nothing.
    if "AttributeName" not in ttl:
        return {}
    enabled = ttl["TimeToLiveStatus"] == "ENABLED"
    return {"ttl": {"attributeName": ttl["AttributeName"], "enabled": enabled}}


def _tags_found(dynamodb: Any, arn: str) -> dict[str, str]:
    return services.tags_found(dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"])


def make_existing(emulator: Emulator, inputs: Mapping[str, Any]) -> None:
    """Makes the table that a component says is there already; of several such ones the first."""
    name = inputs.get(existing_table.NAME)
    if name is None or name in emulator.client("dynamodb").list_tables()["TableNames"]:
        return
    keys = inputs[existing_table.KEYS]
    of_key = dict(zip(("hashKey", "rangeKey"), (key["name"] for key in keys), strict=False))
    stream = {"streamEnabled": True, "streamViewType": inputs[existing_table.VIEW_TYPE]}
    paid = {"billingMode": "PAY_PER_REQUEST"}
    _create(emulator, name, {"attributes": keys, **of_key, **stream, **paid})


def get_table(emulator: Emulator, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What the provider's look-up of a table gives back, as far as a program here can ask for it.

    One that exists on AWS, and of which the program says no keys, is not made.
    """
    name, dynamodb = arguments["name"], emulator.client("dynamodb")
    answer = services.unless_gone(lambda: dynamodb.describe_table(TableName=name))
    if answer is None:
        arn = services.arn(emulator, "dynamodb", f"table/{name}")
        unknown = not_known("aws:dynamodb/getTable:getTable", arguments)
        said = "there is no such table here; its answer is made up"
        return {**unknown, "id": name, "arn": arn, NOT_MADE_HERE: said}
    table = answer["Table"]
    keys = {key["KeyType"]: key["AttributeName"] for key in table["KeySchema"]}
    stream, encryption = table.get("StreamSpecification", {}), table.get("SSEDescription")
    return {
        "id": table["TableName"],
        "name": table["TableName"],
        "arn": table["TableArn"],
        "attributes": [
            {"name": each["AttributeName"], "type": each["AttributeType"]}
            for each in table["AttributeDefinitions"]
        ],
        "hashKey": keys["HASH"],
        "rangeKey": keys.get("RANGE", ""),
        "streamEnabled": stream.get("StreamEnabled", False),
        "streamViewType": stream.get("StreamViewType", ""),
        "streamArn": table.get("LatestStreamArn", ""),
        "streamLabel": table.get("LatestStreamLabel", ""),
        "serverSideEncryption": encryption
        and {"enabled": True, "kmsKeyArn": encryption.get("KMSMasterKeyArn", "")},
        "billingMode": table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
        "deletionProtectionEnabled": table.get("DeletionProtectionEnabled", False),
    }


def _definition(inputs: Mapping[str, Any]) -> dict[str, Any]:
    definition: dict[str, Any] = {
        "KeySchema": _key_schema(inputs),
        "AttributeDefinitions": [
            {"AttributeName": attribute["name"], "AttributeType": attribute["type"]}
            for attribute in inputs["attributes"]
        ],
        "DeletionProtectionEnabled": inputs.get("deletionProtectionEnabled", False),
        "Tags": tags(inputs),
        **_capacity(inputs),
    }
    if inputs.get("streamEnabled"):
        view_type = inputs["streamViewType"]
        definition["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": view_type}
    if inputs.get("serverSideEncryption"):
        definition["SSESpecification"] = _encryption(inputs["serverSideEncryption"])
    for key, parameter in _INDEXES.items():
        if inputs.get(key):
            definition[parameter] = [_index(index, inputs) for index in inputs[key]]
    return definition


_INDEXES = {
    "globalSecondaryIndexes": "GlobalSecondaryIndexes",
    "localSecondaryIndexes": "LocalSecondaryIndexes",
}


def _key_schema(inputs: Mapping[str, Any], hash_key: str | None = None) -> list[dict[str, str]]:
    if inputs.get("keySchemas"):
        return [
            {"AttributeName": key["attributeName"], "KeyType": key["keyType"]}
            for key in inputs["keySchemas"]
        ]
    keys = {"HASH": inputs.get("hashKey", hash_key), "RANGE": inputs.get("rangeKey")}
    return [{"AttributeName": name, "KeyType": type_} for type_, name in keys.items() if name]


def _capacity(inputs: Mapping[str, Any]) -> dict[str, Any]:
    # Left out, a table of the provider's has provisioned capacity.
    if inputs.get("billingMode", "PROVISIONED") == "PAY_PER_REQUEST":
        return {"BillingMode": "PAY_PER_REQUEST"}
    return {"BillingMode": "PROVISIONED", "ProvisionedThroughput": _throughput(inputs)}


def _throughput(inputs: Mapping[str, Any]) -> dict[str, int]:
    return {
        "ReadCapacityUnits": inputs.get("readCapacity", 1),
        "WriteCapacityUnits": inputs.get("writeCapacity", 1),
    }


def _encryption(inputs: Mapping[str, Any]) -> dict[str, Any]:
    own_key = {"KMSMasterKeyId": inputs["kmsKeyArn"]} if inputs.get("kmsKeyArn") else {}
    return {"Enabled": inputs["enabled"], "SSEType": "KMS", **own_key}


def _index(index: Mapping[str, Any], table: Mapping[str, Any]) -> dict[str, Any]:
    projection: dict[str, Any] = {"ProjectionType": index.get("projectionType", "ALL")}
    if index.get("nonKeyAttributes"):
        projection["NonKeyAttributes"] = index["nonKeyAttributes"]
    capacity = {}
    if _capacity(table)["BillingMode"] == "PROVISIONED" and "readCapacity" in index:
        capacity["ProvisionedThroughput"] = _throughput(index)
    return {
        "IndexName": index["name"],
        # A local index shares the table's partition key, and names its sort key only.
        "KeySchema": _key_schema(index, _key_schema(table)[0]["AttributeName"]),
        "Projection": projection,
        **capacity,
    }


def _item(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    table, item = inputs["tableName"], json.loads(inputs["item"])
    emulator.client("dynamodb").put_item(TableName=table, Item=item)
    keys = [inputs["hashKey"], *filter(None, [inputs.get("rangeKey")])]
    return {"id": "|".join([table, *(str(*item[key].values()) for key in keys)])}


def _delete_item(emulator: Emulator, existing: Existing) -> None:
    item = json.loads(existing["item"])
    keys = [existing["hashKey"], *filter(None, [existing.get("rangeKey")])]
    emulator.client("dynamodb").delete_item(
        TableName=existing["tableName"], Key={key: item[key] for key in keys}
    )


_UNORDERED: Final = frozenset({"attributes", "globalSecondaryIndexes", "localSecondaryIndexes"})
TYPES: Final[Mapping[str, ResourceType]] = {
    TABLE: ResourceType(
        create=_create,
        update=_update,
        delete=_delete,
        read=_read,
        naming=Naming(longest=255, shortest=3),
        computed=("arn", "streamArn", "streamLabel"),
        computed_anew=dict.fromkeys(("streamEnabled", "streamViewType"), ("streamArn",)),
        replaced_by=frozenset(
            {"name", "hashKey", "rangeKey", "localSecondaryIndexes", "restoreSourceName"}
        ),
        kept=frozenset(
            {
                "hashKey",
                "pointInTimeRecovery",
                "serverSideEncryption",
                "serverSideEncryption.kmsKeyArn",
                "streamViewType",
                "ttl",
            }
        ),
        unordered=_UNORDERED,
        # The provider clears a difference of the attributes alone: an index may have brought it.
        only_with={"attributes": _UNORDERED - {"attributes"}},
    ),
    "aws:dynamodb/tableItem:TableItem": ResourceType(
        create=_item,
        delete=_delete_item,
        replaced_by=frozenset({"hashKey", "rangeKey", "tableName"}),
    ),
}
