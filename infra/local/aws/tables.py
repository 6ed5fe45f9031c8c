"""How a DynamoDB table is created in the embedded AWS: keys, indexes, capacity, stream, TTL.

And one that exists on AWS: here it is made, as the contract has it, before it is looked up.
"""

from collections.abc import Mapping
from typing import Any

from infra import existing_table
from infra.local.aws.emulator import Emulator
from infra.local.aws.services import tags


def create_table(emulator: Emulator, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Creates the table with all that Pulumi's Table has of it; the outputs are the provider's."""
    dynamodb = emulator.client("dynamodb")
    request = {"TableName": name, **_definition(inputs)}
    table = dynamodb.create_table(**request)["TableDescription"]
    if inputs.get("pointInTimeRecovery", {}).get("enabled"):
        dynamodb.update_continuous_backups(
            TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
    ttl = inputs.get("ttl", {})
    if ttl.get("enabled"):
        dynamodb.update_time_to_live(
            TableName=name,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": ttl["attributeName"]},
        )
    stream = {"streamArn": table["LatestStreamArn"]} if "LatestStreamArn" in table else {}
    return {"id": name, "name": name, "arn": table["TableArn"], **stream}


def make_existing(emulator: Emulator, inputs: Mapping[str, Any]) -> None:
    """Makes the table that a component says is there already; of several such ones the first."""
    name = inputs.get(existing_table.NAME)
    if name is None or name in emulator.client("dynamodb").list_tables()["TableNames"]:
        return
    keys = inputs[existing_table.KEYS]
    of_key = dict(zip(("hashKey", "rangeKey"), (key["name"] for key in keys), strict=False))
    stream = {"streamEnabled": True, "streamViewType": inputs[existing_table.VIEW_TYPE]}
    paid = {"billingMode": "PAY_PER_REQUEST"}
    create_table(emulator, name, {"attributes": keys, **of_key, **stream, **paid})


def get_table(emulator: Emulator, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What the provider's look-up of a table gives back, as far as a program here can ask for it.

    Raises what AWS answers when there is none.
    """
    table = emulator.client("dynamodb").describe_table(TableName=arguments["name"])["Table"]
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
        "KeySchema": _key_schema(index, table.get("hashKey")),
        "Projection": projection,
        **capacity,
    }
