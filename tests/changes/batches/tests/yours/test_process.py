"""What becomes of requests."""

from handler.process import process_batch


def test_none_is_none() -> None:
    assert process_batch([]) == []
