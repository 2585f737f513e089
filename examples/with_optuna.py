"""A search for learning rate and dropout by Optuna, which ends bad trials early."""

import optuna
from lightning import Callback, LightningModule, Trainer, seed_everything

from mnist_lightning import MNISTClassifier, MNISTDataModule


class Pruning(Callback):
    """Report each epoch's accuracy on the images held out, and end the trial if it is poor."""

    def __init__(self, trial: optuna.Trial) -> None:
        self.trial = trial

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Lightning sanity-checks validation before training; that does not count."""
        if trainer.sanity_checking:
            return
        self.trial.report(trainer.callback_metrics["val/accuracy"].item(), trainer.current_epoch)
        if self.trial.should_prune():
            raise optuna.TrialPruned


def main(data: MNISTDataModule | None = None, trials: int = 5, batches: int = 100) -> optuna.Study:
    """Try settings, each for two epochs of a few batches, by default of MNIST."""
    data = data or MNISTDataModule(val_size=1000)

    def objective(trial: optuna.Trial) -> float:
        seed_everything(trial.number, verbose=False)
        lr = trial.suggest_float("lr", 1e-4, 1e-1, log=True)
        model = MNISTClassifier(lr=lr, dropout=trial.suggest_float("dropout", 0.0, 0.5))
        trainer = Trainer(
            max_epochs=2,
            limit_train_batches=batches,
            callbacks=[Pruning(trial)],
            logger=False,
            enable_checkpointing=False,
        )
        trainer.fit(model, datamodule=data)
        return trainer.callback_metrics["val/accuracy"].item()

    pruner = optuna.pruners.MedianPruner(n_startup_trials=2)
    sampler = optuna.samplers.TPESampler(seed=0)
    study = optuna.create_study(direction="maximize", sampler=sampler, pruner=pruner)
    study.optimize(objective, n_trials=trials)
    return study


if __name__ == "__main__":
    best = main().best_trial
    print(f"trial {best.number}: accuracy {best.value:.2%} with {best.params}")
