"""Turns `pulumi stack output --json` on standard input into a list for the job's summary."""

import html
import json
import sys


def main() -> None:
    """Prints one entry per export; a secret is already `[secret]`."""
    print("<dl>")
    for name, value in json.load(sys.stdin).items():
        text = value if isinstance(value, str) else json.dumps(value)
        print(f"<dt>{html.escape(name)}</dt><dd><pre>{html.escape(text)}</pre></dd>")
    print("</dl>")


if __name__ == "__main__":
    main()
