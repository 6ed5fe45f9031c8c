"""Counts the requests in a table of its own."""

import os

import boto3

from handler.environ import settings_from
from handler.item import Request
from handler.settings import Settings

settings = settings_from(os.environ, Settings)
dynamodb = boto3.client("dynamodb")


def process(request: Request) -> None:
    """One more."""
    dynamodb.update_item(
        TableName=settings.counts_table,
        Key={"day": {"S": request.time.date().isoformat()}},
        UpdateExpression="ADD requests :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
