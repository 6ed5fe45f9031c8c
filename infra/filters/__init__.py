"""Filter patterns: parsed, matched, and checked against the contract. Pure; no AWS, no Pulumi."""
