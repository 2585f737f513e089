"""A run that MLflow records, in a local store: metrics, hyperparameters and the checkpoint."""

from lightning import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import MLFlowLogger
from mlflow import MlflowClient
from mlflow.entities import Run

from mnist_lightning import MNISTClassifier, MNISTDataModule

STORE = "sqlite:///mlflow.db"  # `mlflow ui --backend-store-uri sqlite:///mlflow.db` shows it


def main(data: MNISTDataModule | None = None, batches: int = 300) -> Run:
    """Train on batches of 32, by default of MNIST, and test; what MLflow has recorded."""
    logger = MLFlowLogger("mnist", tracking_uri=STORE, log_model=True)
    saves = ModelCheckpoint(monitor="val/accuracy", mode="max", filename="best")
    trainer = Trainer(
        max_epochs=1,
        limit_train_batches=batches,
        log_every_n_steps=10,
        logger=logger,
        callbacks=[saves],
    )
    model, data = MNISTClassifier(), data or MNISTDataModule(val_size=5000)
    trainer.fit(model, datamodule=data)
    trainer.test(model, datamodule=data)
    run: Run = MlflowClient(STORE).get_run(str(logger.run_id))
    return run


if __name__ == "__main__":
    recorded = main().data
    print(f"accuracy {recorded.metrics['test/accuracy']:.2%}, recorded in {STORE}")
