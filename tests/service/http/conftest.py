from tests.service.rpc.conftest import log  # noqa: F401
