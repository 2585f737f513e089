"""A callback that keeps the options of a run."""

from lightning import LightningModule, Trainer
from lightning.pytorch.cli import SaveConfigCallback

from mnist_lightning.checkpoints.run_folder import RunFolder


class RunConfig(SaveConfigCallback):
    """Keep every option of a run as ``config.yaml`` in its folder, whatever the logger."""

    def save_config(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Write the file; Lightning calls it on the first rank alone."""
        if folder := RunFolder.attach(trainer).path:
            self.parser.save(self.config, folder / self.config_filename, skip_none=False)
