import pytest
from polygist_service.concurrency import TextPool


@pytest.fixture
def pool():
    pool = TextPool(1)
    yield pool
    pool.close()
