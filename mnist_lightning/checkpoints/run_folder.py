"""Where a run's files go, and its lines."""

from pathlib import Path

from lightning import Trainer


def run_folder(trainer: Trainer) -> Path | None:
    """The folder of the run; None without a logger, as in ``fast_dev_run``.

    To be called on every rank: it broadcasts.
    """
    log_dir = trainer.log_dir
    return Path(log_dir) if log_dir and trainer.logger else None


def say(trainer: Trainer, line: str) -> None:
    """Print a line once, above the progress bar where there is one."""
    bar = trainer.progress_bar_callback
    if bar is not None:
        bar.print(line)
    elif trainer.is_global_zero:
        print(line, flush=True)
