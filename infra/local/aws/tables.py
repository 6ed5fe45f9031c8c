"""How a DynamoDB table is created in the embedded AWS: keys, indexes, capacity, stream, TTL."""

from collections.abc import Mapping
from typing import Any

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
