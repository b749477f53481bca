"""Parsers of what others have written take any bytes; `make fuzz` looks for those that they do not take."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.parsers import PARSERS
from tests.fuzz.requests import damaged


@pytest.mark.parametrize("name", PARSERS)
def test_any_bytes_are_read_or_refused(name):
    parser = PARSERS[name]

    @settings(max_examples=settings().max_examples // 4)
    @given(damaged(st.sampled_from(parser.seeds)) | st.binary(max_size=60))
    def try_one(content: bytes) -> None:
        parser.read(content)

    try_one()
