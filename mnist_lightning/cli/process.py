"""The process that the program runs in."""

import logging
import os
import random
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def left_as_it_was() -> Iterator[None]:
    """Leave a process that is not the program's own, as a notebook's, as it was before.

    Its random numbers go on as if nothing had been drawn; those of GPUs are not looked after.
    """
    environment, path, hook = dict(os.environ), [*sys.path], threading.excepthook
    loggers = [x for x in logging.root.manager.loggerDict.values() if isinstance(x, logging.Logger)]
    levels = {logger: logger.level for logger in loggers}
    with warnings.catch_warnings():
        import numpy as np
        import torch

        drawn = random.getstate(), np.random.get_state(), torch.get_rng_state()
        precision, threads = torch.get_float32_matmul_precision(), torch.get_num_threads()
        deterministic = torch.are_deterministic_algorithms_enabled()
        warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
        benchmark = torch.backends.cudnn.benchmark
        try:
            yield
        finally:
            random.setstate(drawn[0])
            np.random.set_state(drawn[1])
            torch.set_rng_state(drawn[2])
            torch.set_float32_matmul_precision(precision)
            torch.set_num_threads(threads)
            torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
            torch.backends.cudnn.benchmark = benchmark
            for logger, level in levels.items():
                logger.setLevel(level)
            threading.excepthook, sys.path[:] = hook, path
            for name in os.environ.keys() - environment.keys():
                del os.environ[name]
            os.environ.update(environment)
