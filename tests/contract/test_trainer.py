"""The trainer's options, callbacks and loggers do with our classes what they do with stock ones."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from lightning.pytorch import callbacks as c
from lightning.pytorch import loggers
from rows import Row, compare, fit, table

pytestmark = pytest.mark.contract

NOW, HOUR = timedelta(0), timedelta(hours=1)


def uses(*callbacks: Callable[[], Any], drop: str = "", **options: Any) -> Row:
    return fit(drop=drop, made=lambda: {"callbacks": [each() for each in callbacks]}, **options)


def saves(**options: Any) -> Row:
    return uses(lambda: c.ModelCheckpoint(**options), enable_checkpointing=True)


def logs(*made: Callable[[], Any], **options: Any) -> Row:
    return fit(made=lambda: {"logger": [each() for each in made]}, log_every_n_steps=1, **options)


def stop_at_once(name: str = "val/loss", **options: Any) -> c.EarlyStopping:
    return c.EarlyStopping(name, patience=10, stopping_threshold=1e9, **options)


class Thaw(c.BaseFinetuning):
    """Train the head alone, and all from the second epoch on."""

    def freeze_before_training(self, pl_module: Any) -> None:
        self.freeze(pl_module.net.features)

    def finetune_function(self, pl_module: Any, epoch: int, optimizer: Any) -> None:
        if epoch == 1:
            self.unfreeze_and_add_param_group(pl_module.net.features, optimizer, lr=1e-3)


PRECISIONS = ("32-true", "64-true", "bf16-mixed", "bf16-true", "16-mixed")
FLAGS: dict[str, Row] = {
    "overfit-count": fit(overfit_batches=1, max_epochs=40),
    "overfit-share": fit(overfit_batches=0.5, max_epochs=30),
    "limit-train-count": fit(limit_train_batches=2),
    "limit-train-share": fit(limit_train_batches=0.5),
    "limit-val-none": fit(limit_val_batches=0),
    "limit-val-count": fit(limit_val_batches=1),
    "limit-val-share": fit(limit_val_batches=0.7),
    "val-interval-share": fit(val_check_interval=0.5),
    "val-interval-odd-share": fit(val_check_interval=0.3),
    "val-interval-count": fit(val_check_interval=3),
    "val-across-epochs": fit(val_check_interval=5, check_val_every_n_epoch=None, max_epochs=3),
    "val-every-second-epoch": fit(check_val_every_n_epoch=2, max_epochs=3),
    "max-steps": fit(max_steps=3),
    "max-steps-across-epochs": fit(max_steps=5, max_epochs=-1),
    "max-epochs-0": fit(max_epochs=0),
    "max-time-over": fit(max_time=NOW),
    "max-time": fit(max_time=HOUR),
    "min-epochs": uses(stop_at_once, min_epochs=3, max_epochs=5),
    "min-steps": uses(stop_at_once, min_steps=6, max_epochs=5),
    "accumulate": fit(accumulate_grad_batches=3),
    "clip-norm": fit(gradient_clip_val=0.1, gradient_clip_algorithm="norm"),
    "clip-value": fit(gradient_clip_val=0.1, gradient_clip_algorithm="value"),
    **{f"precision-{p}": fit(precision=p, enable_checkpointing=True) for p in PRECISIONS},
    # torch's Adam divides by 1e-8, which is 0 in half precision; ours by more
    "precision-16-true": fit(precision="16-true", drop="falls finite"),
    "barebones": fit(barebones=True),
    "fast-dev-run": fit(fast_dev_run=True),
    "fast-dev-run-3": fit(fast_dev_run=3),
    "deterministic": fit(deterministic=True),
    "benchmark": fit(benchmark=True),
    "detect-anomaly": fit(detect_anomaly=True),
    "reload-each-epoch": fit(reload_dataloaders_every_n_epochs=1),
    "reload-second-epoch": fit(reload_dataloaders_every_n_epochs=2, max_epochs=4),
    "no-sanity-check": fit(num_sanity_val_steps=0),
    "whole-sanity-check": fit(num_sanity_val_steps=-1),
    **{f"profiler-{name}": fit(profiler=name) for name in ("simple", "advanced", "pytorch")},
    "no-inference-mode": fit(inference_mode=False),
    "no-distributed-sampler": fit(use_distributed_sampler=False),
    "sync-batchnorm": fit(sync_batchnorm=True),
    "all-defaults": fit(enable_model_summary=True, enable_checkpointing=True, logger=True),
}
CALLBACKS: dict[str, Row] = {
    "stop-early": uses(stop_at_once, max_epochs=4),
    "stop-early-accuracy": uses(lambda: c.EarlyStopping("val/accuracy", stopping_threshold=9.0)),
    "stop-early-train": uses(lambda: stop_at_once("train/loss", check_on_train_epoch_end=True)),
    "stop-early-unknown": uses(lambda: stop_at_once("val_loss")),
    "checkpoint-best": saves(monitor="val/loss", save_top_k=1),
    "checkpoint-train-best": saves(monitor="train/loss", save_on_train_epoch_end=True),
    "checkpoint-unknown": saves(monitor="val_loss"),
    "checkpoint-steps": saves(every_n_train_steps=3, save_top_k=-1),
    "checkpoint-time": saves(train_time_interval=NOW, save_top_k=-1),
    "checkpoint-last": saves(save_last=True),
    "checkpoint-link": saves(save_last="link"),
    "checkpoint-weights": saves(save_weights_only=True),
    "checkpoint-on-exception": uses(
        lambda: c.OnExceptionCheckpoint("."), enable_checkpointing=True
    ),
    "weights-swa": uses(
        lambda: c.StochasticWeightAveraging(1e-3, 1), max_epochs=4, enable_checkpointing=True
    ),
    "weights-ema": uses(lambda: c.EMAWeightAveraging(decay=0.5), enable_checkpointing=True),
    "pruning": uses(lambda: c.ModelPruning("l1_unstructured", amount=0.5)),
    # the control gives its optimizer the frozen weights too, so they make no second group
    "finetuning": uses(Thaw, max_epochs=3, drop="lr"),
    "accumulation-schedule": uses(lambda: c.GradientAccumulationScheduler({0: 4, 1: 1})),
    "lr-finder": uses(lambda: c.LearningRateFinder(num_training_steps=8), drop="lr falls"),
    "batch-size-finder": uses(lambda: c.BatchSizeFinder("power", 1, 4, 2)),
    "timer": uses(lambda: c.Timer(HOUR, interval="epoch")),
    "timer-over": uses(lambda: c.Timer(NOW)),
    "lr-monitor": uses(c.LearningRateMonitor, logger=True, drop="metrics"),  # lr-KerasAdam
    "lr-monitor-alone": uses(c.LearningRateMonitor),
    "device-stats": uses(c.DeviceStatsMonitor, logger=True),
    "bar-rich": uses(c.RichProgressBar, enable_progress_bar=True),
    "bar-tqdm": uses(c.TQDMProgressBar, enable_progress_bar=True),
    "summary-rich": uses(lambda: c.RichModelSummary(2), enable_model_summary=True),
    "summary-deep": uses(lambda: c.ModelSummary(-1), enable_model_summary=True),
    "lambda": uses(lambda: c.LambdaCallback(on_train_start=lambda *_: None)),
    "spikes": uses(c.SpikeDetection),
    "throughput": uses(lambda: c.ThroughputMonitor(lambda batch: len(batch[1])), logger=True),
}
LOGGERS: dict[str, Row] = {
    "logger-tensorboard": logs(lambda: loggers.TensorBoardLogger(".", log_graph=True)),
    "logger-csv": logs(lambda: loggers.CSVLogger(".")),
    "logger-both": logs(lambda: loggers.CSVLogger("."), lambda: loggers.TensorBoardLogger(".")),
    "logger-saves": logs(lambda: loggers.CSVLogger("."), enable_checkpointing=True),
    "logger-wandb": logs(lambda: wandb(offline=True)),
    "logger-mlflow": logs(lambda: mlflow(tracking_uri="sqlite:///mlflow.db"), drop="files"),
}
SAMPLE = """overfit-count val-interval-odd-share accumulate max-steps precision-64-true
precision-bf16-true barebones reload-each-epoch clip-norm checkpoint-steps weights-ema finetuning
lr-finder logger-csv stop-early-unknown"""


def wandb(**options: Any) -> Any:
    pytest.importorskip("wandb")
    return loggers.WandbLogger(**options)


def mlflow(**options: Any) -> Any:
    pytest.importorskip("mlflow")
    return loggers.MLFlowLogger(**options)


@pytest.mark.parametrize("row", table(FLAGS | CALLBACKS | LOGGERS, SAMPLE))
def test_as_with_stock_classes(row: Row, images: Path, tmp_path: Path) -> None:
    compare(row, images, tmp_path)
