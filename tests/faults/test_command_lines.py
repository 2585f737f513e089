"""Command lines that cannot be."""

import shlex
from pathlib import Path

import pytest
from conftest import TINY, Tally

from mnist_lightning.__main__ import main

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]
USAGE, DATA, CHECKPOINT, TRAINING = 2, 3, 4, 5
FILES = {
    "a_file": b"text",
    "malformed.yaml": b"data: [1",
    "binary.yaml": bytes(range(256)),
    "list.yaml": b"- 1",
    "number.yaml": b"5",
    "unknown.yaml": b"data: {colour: red}",
    "wrong.yaml": b"model: {lr: fast}",
    "nan.yaml": b"trainer: {max_epochs: .nan}",
    "text.ckpt": b"text",
    "text.keras": b"text",
}
# Options of a small fit: what the line must name, and what it must say is allowed
FITS = {
    "--model.dropout 1": "dropout is 1.0: must be 0 or more, and below 1",
    "--model.dropout -0.1": "dropout is -0.1: must be 0 or more",
    "--model.dropout much": "model.dropout is much: must be a number",
    "--model.dropout nan": "model.dropout is nan: must be a number",
    "--model.label_smoothing 1": "label_smoothing is 1.0: must be 0 or more, and below 1",
    "--model.schedule linear": "model.schedule is linear: must be 'constant' or 'one_cycle'",
    "--model.lr -1": "lr is -1.0: must be a number above 0",
    "--model.lr 0": "lr is 0.0: must be a number above 0",
    "--model.lr inf": "model.lr is inf: must be a number",
    "--model.lr fast": "model.lr is fast: must be a number",
    "--model.lr [0.1]": "model.lr is [0.1]: must be a number",
    "--model.hidden_dims [0]": "hidden_dims is [0]: must be sizes of at least 1",
    "--model.hidden_dims []": "hidden_dims is []: must be sizes of at least 1",
    "--model.hidden_dims 8": "model.hidden_dims is 8: must be a list",
    "--model.hidden_dims [a]": "model.hidden_dims is a: must be an integer",
    "--model.hidden_dims [1.5]": "model.hidden_dims is 1.5: must be an integer",
    "--model.conv_channels []": "conv_channels is []: must be 1 to 13 sizes of at least 1",
    "--model.conv_channels [-1]": "conv_channels is [-1]: must be 1 to 13 sizes",
    f"--model.conv_channels {[1] * 14}".replace(", ", ","): "must be 1 to 13 sizes of at least 1",
    "--model.conv_channels wide": "model.conv_channels is wide: must be a list",
    "--model.num_classes 1": "num_classes is 1: must be at least 2",
    "--model.num_classes 5": "model.num_classes is 5: must be at least 10",
    "--model.num_classes ten": "model.num_classes is ten: must be an integer",
    "--model.batch_norm maybe": "model.batch_norm is maybe: must be true or false",
    "--model.colour red": "--model.colour red; did you mean --model.",
    "--data.batch_size 0": "batch_size is 0: must be 1 to 1,000,000",
    "--data.batch_size -3": "batch_size is -3: must be 1 to 1,000,000",
    "--data.batch_size many": "data.batch_size is many: must be an integer",
    "--data.batch_size 1.5": "data.batch_size is 1.5: must be an integer",
    "--data.batch_size": "--data.batch_size: expected one argument",
    "--data.val_size -5": "val_size is -5: must be 0 to 95",
    "--data.val_size 96": "val_size is 96: must be 0 to 95",
    "--data.val_size half": "data.val_size is half: must be an integer",
    "--data.synthetic_size '[0, 5]'": "synthetic_size is [0, 5]: must be 1 to 1,000,000 each",
    "--data.synthetic_size [1]": "data.synthetic_size is [1]: must be a list with 2 elements",
    "--data.synthetic_size [1,2,3]": "must be a list with 2 elements",
    "--data.synthetic_size 5": "data.synthetic_size is 5: must be a list",
    "--data.synthetic_size [a,b]": "data.synthetic_size is a: must be an integer",
    "--data.normalize log": "data.normalize is log: must be 'unit' or 'standard'",
    "--data.source cifar": "data.source is cifar: must be 'mnist' or 'synthetic' or 'auto'",
    "--data.source MNIST": "data.source is MNIST: must be 'mnist' or",
    "--data.mirror ftp://example.org": "mirror is ftp://example.org: must begin with http://",
    "--data.mirror example.org": "mirror is example.org: must begin with http://",
    "--data.shift 28": "shift is 28.0: must be 0 or more, and below 28",
    "--data.shift -1": "shift is -1.0: must be 0 or more, and below 28",
    "--data.shift nan": "data.shift is nan: must be a number",
    "--data.rotation -1": "rotation is -1.0: must be 0 or more, and below 360",
    "--data.rotation inf": "data.rotation is inf: must be a number",
    "--data.zoom 1": "zoom is 1.0: must be 0 or more, and below 1",
    "--data.zoom -0.5": "zoom is -0.5: must be 0 or more, and below 1",
    "--data.shear 90": "shear is 90.0: must be 0 or more, and below 90",
    "--data.shear x": "data.shear is x: must be a number",
    "--data.seed 3": '"data.seed" must be given via "seed_everything"',
    "--seed_everything -1": "seed_everything is -1: must be 0 to 4,294,967,295",
    "--seed_everything 99999999999": "seed_everything is 99999999999: must be 0 to 4,294,967,295",
    "--seed_everything x": "seed_everything is x: must be an integer",
    "--seed_everything 1.5": "seed_everything is 1.5: must be an integer",
    "--trainer.max_epochs x": "trainer.max_epochs is x: must be an integer or null",
    "--trainer.max_epochs -7": "`max_epochs` must be a non-negative integer or -1",
    "--trainer.max_epochs 1.5": "trainer.max_epochs is 1.5: must be an integer or null",
    "--trainer.max_steps x": "trainer.max_steps is x: must be an integer",
    "--trainer.max_steps -7": "`max_steps` must be a non-negative integer or -1",
    "--trainer.max_time soon": "'soon')` is not a valid duration. Expected a string in",
    "--trainer.accelerator abacus": "trainer.accelerator is abacus: must be such as auto, ",
    "--trainer.accelerator tpu": "trainer.accelerator is tpu: Requirement",
    "--trainer.devices 0": "devices='0'",
    "--trainer.devices none": "`devices` selected with `CPUAccelerator` should be an int > 0",
    "--trainer.devices -2": "`devices` selected with `CPUAccelerator` should be an int > 0",
    "--trainer.precision 7": "trainer.precision is 7: must be 64 or 32 or 16",
    "--trainer.strategy magic": "trainer.strategy is magic: must be such as auto, ddp",
    "--trainer.num_nodes 0": "`num_nodes` must be a positive integer",
    "--trainer.num_nodes x": "trainer.num_nodes is x: must be an integer",
    "--trainer.logger Abacus": "trainer.logger is Abacus: must be the name of a class or",
    "--trainer.callbacks Nothing": "trainer.callbacks is Nothing: must be a list or the name",
    "--trainer.callbacks '[{class_path: os.system}]'": "os.system: must be a subclass of Callback",
    "--trainer.callbacks '{class_path: lightning.pytorch.callbacks.EarlyStopping}'": "monitor",
    "--trainer.limit_train_batches -1": "limit_train_batches, it has to be in [0.0, 1.0] or an",
    "--trainer.limit_train_batches x": "trainer.limit_train_batches is x: must be an integer or",
    "--trainer.limit_val_batches 1.5": "limit_val_batches, it has to be in [0.0, 1.0] or an int",
    "--trainer.val_check_interval x": "val_check_interval`: 'x'. Expected 'DD:HH:MM:SS'",
    "--trainer.check_val_every_n_epoch x": "check_val_every_n_epoch is x: must be an integer or",
    "--trainer.accumulate_grad_batches 0": "accumulate_grad_batches is 0: must be at least 1",
    "--trainer.accumulate_grad_batches x": "accumulate_grad_batches is x: must be an integer",
    "--trainer.gradient_clip_val x": "trainer.gradient_clip_val is x: must be an integer or a",
    "--trainer.gradient_clip_algorithm abs": "Allowed algorithms: ['value', 'norm']",
    "--trainer.enable_progress_bar maybe": "enable_progress_bar is maybe: must be true or false",
    "--trainer.plugins magic": "trainer.plugins is magic: must be the name of a class or",
    "--trainer.profiler magic": "trainer.profiler: must be one of 'simple', ",
    "--trainer.detect_anomaly maybe": "trainer.detect_anomaly is maybe: must be true or false",
    "--trainer.overfit_batches -1": "overfit_batches, it has to be in [0.0, 1.0] or an int",
    "--trainer.fast_dev_run x": "trainer.fast_dev_run is x: must be an integer or true or false",
    "--trainer.fast_dev_run -1": "fast_dev_run=-1 is not a valid configuration. It should be >= 0",
    "--trainer.max_epoch 3": "--trainer.max_epoch 3; did you mean --trainer.max_epochs",
    "--trainer nothing.yaml": "trainer: Unable to load config 'nothing.yaml'",
    "--trainer.benchmark fast": "trainer.benchmark is fast: must be true or false or null",
    "--trainer.deterministic often": "deterministic is often: must be true or false or 'warn'",
    "--epochs 3": "--epochs 3; did you mean --trainer.max_epochs",
    "--lr 0.1": "--lr 0.1; did you mean --model.lr",
    "--batch-size 3": "--batch-size 3; did you mean --data.batch_size",
    "--optimizer SGD": "unrecognized arguments: --optimizer SGD",
    "extra": "unrecognized arguments: extra",
    "-x": "unrecognized arguments: -x",
    "--checkpoint.every_n_train_steps 0": "every_n_train_steps is 0: must be at least 1",
    "--checkpoint.every_n_train_steps x": "every_n_train_steps is x: must be an integer or null",
    "--best_checkpoint.mode best": "`mode` can be min, max but got best",
    "--best_checkpoint.save_top_k x": "best_checkpoint.save_top_k is x: must be an integer",
    "--best_checkpoint.monitor val/f1 --data.val_size 30": "must be one of train/loss, train/acc",
    "--progress_bar.refresh_rate x": "progress_bar.refresh_rate is x: must be an integer",
    "--report.figures maybe": "report.figures is maybe: must be true or false",
    "--config missing.yaml": "config is missing.yaml: there is no such file",
    "--config malformed.yaml": "config is malformed.yaml: not a YAML file of options",
    "--config binary.yaml": "config is binary.yaml: not a YAML file of options",
    "--config list.yaml": "config is list.yaml: not a YAML file of options",
    "--config number.yaml": "config is number.yaml: not a YAML file of options",
    "--config a_file": "config is a_file: not a YAML file of options",
    "--config unknown.yaml": "does not accept option 'data.colour'",
    "--config wrong.yaml": "model.lr is fast: must be a number",
    "--config nan.yaml": "trainer.max_epochs is nan: must be an integer or null",
    "--config": "-c/--config: expected one argument",
    "--ckpt_path": "--ckpt_path: expected one argument",
}
# Whole command lines, their exit code too
OTHERS = {
    "train": (USAGE, "train: no such command. Did you mean fit?"),
    "fti": (USAGE, "fti: no such command. Did you mean fit?"),
    "xyz": (USAGE, "xyz: no such command. There are fit, validate, test, predict, draw"),
    "predict seven.png": (DATA, "predict_path is seven.png: No such file"),
    "predict seven.png --trainer.devices 1": (USAGE, "did you mean --data.predict_path seven.png?"),
    "predict --data.recursive maybe a_file": (
        USAGE,
        "recursive is maybe: must be true or false",
    ),
    "predict --data.recursive true": (USAGE, "recursive is True: must be with predict_path"),
    "draw --prot 1": (USAGE, "unrecognized arguments: --prot 1; did you mean --port?"),
    "--fit": (USAGE, "unrecognized arguments: --fit"),
    "--config missing.yaml": (USAGE, "missing.yaml"),
    "validate --verbose maybe": (USAGE, "verbose is maybe: must be true or false"),
    "predict --return_predictions x": (USAGE, "return_predictions is x: must be true or false"),
    "import-keras": (USAGE, "the following arguments are required: model, checkpoint"),
    "import-keras missing.keras x.ckpt": (USAGE, "missing.keras: there is no such file"),
    "import-keras text.keras x.ckpt": (USAGE, "text.keras: damaged or not a Keras model"),
    "import-keras text.keras a_file": (USAGE, "checkpoint is a_file: must end with .ckpt"),
    "export-keras": (USAGE, "the following arguments are required: checkpoint, model"),
    "export-keras --what": (USAGE, "unrecognized arguments: --what"),
    "export": (USAGE, "the following arguments are required: --output"),
    "export --output x.txt": (USAGE, "output is x.txt: must end with .onnx, .pt2, .safetensors"),
    "export --output a/x.onnx": (USAGE, "output is a/x.onnx: there is no such folder"),
    "export --output x.onnx --ckpt_path last": (CHECKPOINT, "run fit first, or give --ckpt_path"),
    "export --output x.onnx --input int4": (USAGE, "input is int4: must be 'uint8' or 'float32'"),
    "export --output x.onnx --softmax maybe": (USAGE, "softmax is maybe: must be true or false"),
    "export --output x.safetensors --softmax false": (USAGE, "would hold weights alone"),
    "export --output x.safetensors --input float32": (USAGE, "input is float32"),
    "draw --ckpt_path last": (CHECKPOINT, "run fit first, or give --ckpt_path"),
    "draw --model os.path": (USAGE, "model is os.path: must be the import path of a LightningMod"),
    "draw --host here": (USAGE, "host is here: must be an IPv4 address, such as 0.0.0.0"),
    "draw --port 65536": (USAGE, "port is 65536: must be 0, or 1024 to 65535"),
    "draw --port any": (USAGE, "port is any: must be an integer"),
    "draw --browser maybe": (USAGE, "browser is maybe: must be true or false"),
    "draw --ckpt_path text.ckpt": (CHECKPOINT, "text.ckpt: damaged or not a checkpoint"),
    "fit --data.source mnist --data.mirror file:///nowhere": (
        DATA,
        "files into data/MNIST/raw, give --data.mirror, or",
    ),
    "fit --data.source synthetic --data.data_dir a_file": (DATA, "data_dir is a_file: cannot be"),
    "fit --ckpt_path missing.ckpt": (CHECKPOINT, "missing.ckpt: there is no such file"),
    "fit --ckpt_path last": (CHECKPOINT, "no checkpoint last under logs: run fit first, or give"),
    "fit --ckpt_path best": (CHECKPOINT, "no checkpoint best under logs: run fit first, or give"),
    "fit --ckpt_path text.ckpt": (CHECKPOINT, "text.ckpt: damaged or not a checkpoint"),
    "fit --ckpt_path http://127.0.0.1:9/x.ckpt": (CHECKPOINT, "there is no such file"),
    "test --ckpt_path last": (CHECKPOINT, "no checkpoint last under logs: run fit first, or give"),
    "test --ckpt_path a_file": (CHECKPOINT, "a_file: damaged or not a checkpoint"),
    "validate --ckpt_path best": (CHECKPOINT, "run fit first, or give --ckpt_path"),
    "predict --ckpt_path last --data.predict_path a_file": (CHECKPOINT, "run fit first, or give"),
    "predict --data.predict_path missing": (DATA, "predict_path is missing: No such file"),
    "predict --data.save_inputs maybe --data.predict_path a_file": (USAGE, "must be true or false"),
    "predict --ckpt_path binary.yaml": (CHECKPOINT, "binary.yaml: damaged or not a checkpoint"),
    "export-keras text.ckpt x.keras": (CHECKPOINT, "text.ckpt: damaged or not a checkpoint"),
}


def table() -> dict[str, tuple[list[str], int, str]]:
    """What is tried, its arguments, its exit code and what its line must hold."""
    fits = {
        f"fit {options}": (["fit", *TINY, *shlex.split(options)], USAGE, part)
        for options, part in FITS.items()
    }
    others = {line: (shlex.split(line), code, part) for line, (code, part) in OTHERS.items()}
    return {**fits, **others}


def test_each_bad_command_line_is_answered_by_one_line(
    workdir: Path, full: bool, tally: Tally, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, content in FILES.items():
        (workdir / name).write_bytes(content)
    lines = table() if full else dict(list(table().items())[::16])
    wrong = []
    for line, (arguments, code, part) in lines.items():
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        error = capsys.readouterr().err
        short = error.startswith("mnist-lightning: error: ") and len(error) <= 201
        named = part in error and error.count("\n") == 1
        new = {path.name for path in workdir.iterdir()} - FILES.keys()
        if not (short and named and not new and caught.value.code == code):
            wrong.append(f"{line}: {caught.value.code} {new} {error}")
    assert not wrong, "".join(wrong)
    tally("bad command lines", len(lines), len(lines) - len(wrong), 0)


def test_training_that_goes_wrong_has_a_code_of_its_own(
    workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["fit", *TINY, "--model.lr", "1e30"])
    assert caught.value.code == TRAINING
    assert capsys.readouterr().err.count("\n") == 1
