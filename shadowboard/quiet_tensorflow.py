"""TensorFlow, imported without its start-up chatter; every module takes `tf` from here.

TensorFlow's C++ side writes notices about missing GPUs and CPU flags straight to file descriptor 2
before any log level applies. They are no news to anyone here; whatever else it writes is passed on.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_NOTICES = (
    b"before absl::InitializeLog()",
    b"oneDNN custom operations are on",
    b"Could not find cuda drivers",
    b"TF_ENABLE_ONEDNN_OPTS",
    b"cpu_feature_guard",
    b"rebuild TensorFlow with the appropriate compiler flags",
    b"failed call to cuInit",
)


@contextmanager
def _without_notices() -> Iterator[None]:
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as written:
        os.dup2(written.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            written.seek(0)
            lines = written.read().splitlines(keepends=True)
            sys.stderr.write(
                b"".join(line for line in lines if not any(n in line for n in _NOTICES)).decode(
                    errors="replace"
                )
            )


def _load() -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with _without_notices():
        import tensorflow

        tensorflow.config.list_logical_devices()  # touches the GPU driver, which has notices of its own
    tensorflow.get_logger().setLevel("ERROR")  # each run compiles a loop of its own; it warns of that
    return tensorflow


tf = _load()
