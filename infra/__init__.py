"""The Pulumi program's components. Importing this package, or any module of it, has no effect."""
