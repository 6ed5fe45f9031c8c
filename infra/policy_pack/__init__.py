"""Rules for all that a stack registers, also what a user adds: Pulumi's policy as code.

`pulumi preview --policy-pack infra/policy_pack` runs them in an environment of their own:
pulumi-policy holds protobuf back to a version that its maintainers no longer mend.
"""
