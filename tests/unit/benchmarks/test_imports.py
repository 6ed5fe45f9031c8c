"""Reading of what `python -X importtime` prints."""

from tests.benchmarks import imports

PRINTED = """\
import time: self [us] | cumulative | imported package
import time:       100 |        100 |   encodings
import time:       300 |        300 |     handler.config
import time:       200 |        500 |   handler.app
import time:      1000 |       1500 | botocore.client
a line of something else
import time:         5 |          5 | brotli
"""


def test_each_module_counts_what_it_took_itself() -> None:
    assert imports.self_times(PRINTED) == {
        "encodings": 100,
        "handler.config": 300,
        "handler.app": 200,
        "botocore.client": 1000,
        "brotli": 5,
    }


def test_a_package_counts_its_modules_but_none_that_each_interpreter_imports() -> None:
    costs = imports.by_package(imports.self_times(PRINTED), without={"encodings"})

    assert costs == {"handler": 500, "botocore": 1000, "brotli": 5}


def test_the_dearest_come_first_and_the_cheap_are_one() -> None:
    off = {"handler": 60.0, "json": 0.2, "re": 39.8}
    on = {"handler": 60.0, "json": 0.2, "re": 39.8, "botocore": 900.0, "six": 1.0}

    assert imports.dearest([off, on]) == {
        "botocore": [0.0, 900.0],
        "handler": [60.0, 60.0],
        "re": [39.8, 39.8],
        imports.REST: [0.2, 1.2],
    }
