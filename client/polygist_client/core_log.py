"""gRPC's own log: errors only, as its documentation has it.

Without a word in the environment it writes a line to standard error for each handshake that fails, beside our error.
"""

import os

VARIABLE = "GRPC_VERBOSITY"

if VARIABLE not in os.environ:
    os.environ[VARIABLE] = "ERROR"
    import grpc  # noqa: F401  # it looks at the variable now and never again, so that no child gets to see ours

    del os.environ[VARIABLE]
