"""Says of a container image whether Lambda takes it, before a deployment finds out.

`python -m infra.image_check --help`. It reads manifests and configuration only, from a tar of
`docker save` or from a registry, and needs neither Docker nor a Pulumi stack.
"""
