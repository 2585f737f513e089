"""Callbacks that show a run and write it down; each works in any Trainer."""

from mnist_lightning.callbacks.best_checkpoint import BestCheckpoint
from mnist_lightning.callbacks.board import Board
from mnist_lightning.callbacks.cuda_graphs import CUDAGraphs
from mnist_lightning.callbacks.evaluation import Evaluation
from mnist_lightning.callbacks.finite import Finite, TrainingError
from mnist_lightning.callbacks.history import History
from mnist_lightning.callbacks.last_checkpoint import LastCheckpoint
from mnist_lightning.callbacks.layer_table import LayerTable
from mnist_lightning.callbacks.prediction_writer import PredictionWriter
from mnist_lightning.callbacks.random_state import RandomState
from mnist_lightning.callbacks.report import Report

__all__ = [
    "BestCheckpoint",
    "Board",
    "CUDAGraphs",
    "Evaluation",
    "Finite",
    "History",
    "LastCheckpoint",
    "LayerTable",
    "PredictionWriter",
    "RandomState",
    "Report",
    "TrainingError",
]
