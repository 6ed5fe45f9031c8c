"""What all tests share: how many examples a property is tried with, here and in CI."""

import os

from hypothesis import settings

# Derandomized: a test that passed passes again. Without a deadline: the machines are noisy.
settings.register_profile("dev", max_examples=100, deadline=None, derandomize=True, database=None)
settings.register_profile("ci", settings.get_profile("dev"), max_examples=1000)
settings.load_profile("ci" if os.environ.get("CI") else "dev")
