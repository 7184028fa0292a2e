"""Time that belongs to what is measured."""

import gc
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def no_garbage_collection() -> Generator[None]:
    """Nothing goes through what the other tests of the process have left, which may take a quarter of a second."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
