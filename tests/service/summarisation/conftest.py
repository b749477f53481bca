from concurrent.futures import ThreadPoolExecutor

import pytest


@pytest.fixture
def executor():
    with ThreadPoolExecutor(1) as executor:
        yield executor
