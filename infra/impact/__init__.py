"""What an update would do, in words, before it happens: `python -m infra.impact preview.json`.

It reads what `pulumi preview --json` prints, and rests on docs/changing.md. Pulumi need not be
installed.
"""
