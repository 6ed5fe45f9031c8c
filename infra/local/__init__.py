"""The same program on this machine: an embedded AWS, the real handler, Lambda's semantics."""
