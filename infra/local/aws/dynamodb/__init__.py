"""The embedded DynamoDB: moto's, made exact. For the embedded AWS's own process."""
