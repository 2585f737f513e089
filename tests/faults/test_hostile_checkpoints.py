"""Checkpoints that were damaged, or made to do harm."""

import io
import pickle
import random
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import NO_FIGURES, TINY, Tally
from runs import same

from mnist_lightning.__main__ import main
from mnist_lightning.checkpoints.archive import read_archive
from mnist_lightning.errors import CheckpointError

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]
SEED = 0
USAGE, CHECKPOINT = 2, 4  # the first where options differ from the run's
CPU = ["--trainer.accelerator", "cpu"]
FIT = ["fit", *CPU, "--trainer.max_epochs", "3", *NO_FIGURES]
Content = dict[str, Any]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The checkpoint of a run whose next epoch is due."""
    folder = tmp_path_factory.mktemp("sound")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        main(["fit", *TINY, "--data.val_size", "30"])
    return (folder / "logs/synthetic/version_0/checkpoints/last.ckpt").read_bytes()


@pytest.mark.parametrize("kind", ["bit flips", "truncations"])
def test_no_damage_loads_as_something_else(
    tmp_path: Path, sound: bytes, kind: str, full: bool, tally: Tally
) -> None:
    path, draw = tmp_path / "x.ckpt", random.Random(SEED)
    path.write_bytes(sound)
    whole = read_archive(path)
    tried = (2000 if kind == "bit flips" else 500) // (1 if full else 10)
    survived = 0
    for _ in range(tried):
        place = draw.randrange(len(sound))
        flipped = bytes([sound[place] ^ 1 << draw.randrange(8)]) + sound[place + 1 :]
        path.write_bytes(sound[:place] + (flipped if kind == "bit flips" else b""))
        try:
            survived += same(read_archive(path), whole)
        except CheckpointError:
            survived += 1
    tally(f"checkpoint {kind}", tried, survived, SEED)


class Call:
    """Calls a function when it is unpickled."""

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self.reduced = function, args

    def __reduce__(self) -> Any:
        return self.reduced


def payloads() -> Iterator[Call]:
    """Calls that leave a file ``touched``."""
    import builtins
    import os
    import shutil
    import subprocess

    yield Call(Path.touch, Path("touched"))
    yield Call(builtins.exec, "open('touched', 'w')")
    yield Call(builtins.eval, "open('touched', 'w')")
    yield Call(builtins.open, "touched", "w")
    yield Call(os.system, "touch touched")
    yield Call(os.mkdir, "touched")
    yield Call(subprocess.run, ["touch", "touched"])
    yield Call(shutil.copy, "victim", "touched")
    yield Call(torch.save, {}, "touched")
    yield Call(torch.load, "victim")


def with_payloads(content: Content) -> Iterator[Any]:
    """A payload in each place of a checkpoint, and each payload in one."""
    for place in (*content, "more"):
        yield {**content, place: Call(Path.touch, Path("touched"))}
    for payload in payloads():
        yield {**content, "state_dict": {**content["state_dict"], "net.more": payload}}
    yield Call(Path.touch, Path("touched"))


def with_foreign_paths(content: Content) -> Iterator[Content]:
    """Paths where a checkpoint has, had or could have some."""
    best = next(name for name in content["callbacks"] if "BestCheckpoint" in name)
    folder = "logs/synthetic/version_0/checkpoints"
    for state in (
        {"best_model_path": "victim", "dirpath": folder},
        {"best_model_path": f"{folder}/../../../../victim", "last_model_path": "victim"},
        {"dirpath": folder, "best_k_models": {"victim": 0.0}, "kth_best_model_path": "victim"},
    ):
        merged = {**content["callbacks"][best], **state}
        yield {**content, "callbacks": {**content["callbacks"], best: merged}}
    made: Any = {"class_path": "os.system", "init_args": {"command": "touch touched"}}
    places: list[tuple[str, Any]] = [("data_dir", "touched"), ("mirror", "file:///etc")]
    places += [("source", "touched"), ("predict_path", "victim"), ("save_inputs", True)]
    for option, value in [*places, ("source", made)]:
        settings = {**content["datamodule_hyper_parameters"], option: value}
        yield {**content, "datamodule_hyper_parameters": settings}
    for option in ("_class_path", "_instantiator", "conv_channels"):
        yield {**content, "hyper_parameters": {**content["hyper_parameters"], option: made}}


def with_wrong_sizes(content: Content) -> Iterator[Content]:
    """Shapes that are not the network's, or that nobody has memory for."""
    weights, settings = content["state_dict"], content["hyper_parameters"]
    huge = torch.zeros(1).expand(10**6, 10**6)
    for weight in (
        torch.zeros(3),
        torch.zeros(10, dtype=torch.complex64),
        torch.zeros(10, dtype=torch.int64),
        torch.zeros(10, dtype=torch.float8_e4m3fn),
        huge,
        torch.sparse_coo_tensor(
            torch.zeros(1, 1), torch.ones(1), (10**12,), check_invariants=False
        ),
        torch.zeros(10, device="meta"),
        None,
    ):
        yield {**content, "state_dict": {**weights, "net.head.bias": weight}}
    yield {**content, "state_dict": {}}
    yield {**content, "more": huge}
    for option, value in (
        ("hidden_dims", [10**18]),
        ("hidden_dims", [10**9]),
        ("hidden_dims", [1] * 10**4),
        ("conv_channels", [10**12]),
        ("conv_channels", "abc"),
        ("num_classes", 10**15),
        ("dropout", "much"),
        ("lr", float("nan")),
        ("more", 1),
    ):
        yield {**content, "hyper_parameters": {**settings, option: value}}


def with_wrong_state(content: Content) -> Iterator[Content]:
    """States that no run has."""
    (optimizer,) = content["optimizer_states"]
    moments = {**optimizer["state"][0], "exp_avg": torch.zeros(3)}
    scalar = {**optimizer["state"][0], "exp_avg": torch.zeros(())}
    first = {**optimizer["state"], 0: moments}
    for state in (first, {**first, 0: scalar}, {**first, 0: {}}, {0: "x"}, {10**6: moments}, "x"):
        yield {**content, "optimizer_states": [{**optimizer, "state": state}]}
    (group,) = optimizer["param_groups"]
    for option, value in (
        ("lr", "x"),
        ("lr", float("nan")),
        ("betas", 5),
        ("differentiable", True),
        ("params", [0] * len(group["params"])),
    ):
        yield {
            **content,
            "optimizer_states": [{**optimizer, "param_groups": [{**group, option: value}]}],
        }
    yield {**content, "optimizer_states": [optimizer, optimizer]}
    yield {**content, "lr_schedulers": [{}]}
    yield {name: part for name, part in content.items() if name != "pytorch-lightning_version"}
    yield {name: part for name, part in content.items() if name != "loops"}
    for part in ("epoch", "global_step"):
        yield {**content, part: 10**30}
    yield {**content, "trainer_options": {"precision": "\x1b]0;pwn\x07"}}
    yield {**content, "state_dict": {**content["state_dict"], "_metadata": "x"}}
    for option, number in (("synthetic_size", [10**15, 1]), ("batch_size", 10**30)):
        settings = {**content["datamodule_hyper_parameters"], option: number}
        yield {**content, "datamodule_hyper_parameters": settings}
    parts = ("optimizer_states", "loops", "callbacks", "hyper_parameters", "trainer_options")
    for part in (*parts, "train_figures"):
        yield {**content, part: "x"}
        yield {**content, part: {"x": [{}]}}
    for name in content["callbacks"]:
        for state in ({"rows": "x", "cpu": "x"}, {"rows": [{}], "cpu": torch.zeros(3), "cuda": 5}):
            yield {**content, "callbacks": {**content["callbacks"], name: state}}
    for part in ("MNISTDataModule", "pytorch-lightning_version", "epoch", "global_step"):
        yield {**content, part: "x"}
        yield {**content, part: {"epoch": "x", "given": "x"}}
    loops = content["loops"]["fit_loop"]
    for name in loops:
        yield {**content, "loops": {**content["loops"], "fit_loop": {**loops, name: "x"}}}
        circle: Content = {"total": {"ready": "x"}, "current": {"ready": -(10**30)}}
        circle["circle"] = circle
        yield {**content, "loops": {**content["loops"], "fit_loop": {**loops, name: circle}}}


def that_are_no_archives(content: Content) -> Iterator[bytes]:
    """Files that are no checkpoint archive, or expand."""
    torch.save(content, "bomb")
    sound = Path("bomb").read_bytes()
    with zipfile.ZipFile("bomb") as source:
        entries: dict[str, bytes] = {name: source.read(name) for name in source.namelist()}
    root = next(iter(entries)).partition("/")[0]
    for more, method in ((bytes(10**8), zipfile.ZIP_DEFLATED), (b"", zipfile.ZIP_BZIP2)):
        with zipfile.ZipFile("bomb", "w", method) as bomb:
            for name, part in {**entries, f"{root}/data/99": more}.items():
                bomb.writestr(name, part)
        yield Path("bomb").read_bytes()
    Path("bomb").unlink()
    yield pickle.dumps(Call(Path.touch, Path("touched")))
    yield b""
    yield bytes(1000)
    yield sound * 2
    yield b"\x80\x02" + b"(" * 10**6
    old = io.BytesIO()
    torch.save({"state_dict": {}}, old, _use_new_zipfile_serialization=False)
    yield old.getvalue() + sound  # torch.load would read the first, zipfile the second


def harmless(path: Path, command: list[str], capsys: pytest.CaptureFixture[str]) -> bool:
    """Run it: refused with one line, or done; nothing elsewhere is touched."""
    capsys.readouterr()
    refused = False
    try:
        main([*command, "--ckpt_path", str(path)])
    except SystemExit as end:
        refused = end.code in (USAGE, CHECKPOINT)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == refused, lines
    for line in lines:
        assert line.startswith("mnist-lightning: error: "), line
        assert len(line) <= 200, line
        assert line.isprintable(), line
    return {each.name for each in Path().iterdir()} <= {"logs", "data", "run", "victim"}


KINDS = (
    with_payloads,
    with_foreign_paths,
    with_wrong_sizes,
    with_wrong_state,
    that_are_no_archives,
)


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_checkpoints_do_nothing(
    workdir: Path,
    sound: bytes,
    kind: Callable[[Content], Iterator[Any]],
    full: bool,
    tally: Tally,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = Path("run", "checkpoints", "x.ckpt")
    path.parent.mkdir(parents=True)
    path.write_bytes(sound)
    (workdir / "victim").write_text("precious")
    (workdir / "logs").mkdir()
    step = 1 if full else 12
    contents = list(kind(read_archive(path)))[step // 12 :: step]
    survived = 0
    for number, content in enumerate(contents):
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            torch.save(content, path)
        export = ["export", "--output", f"logs/{number}.safetensors"]
        commands = [FIT, ["test", *CPU], export] if full else [FIT]
        survived += all(harmless(path, command, capsys) for command in commands)
        survived -= (workdir / "victim").read_text() != "precious"
    name = kind.__name__.replace("_", " ")
    tally(f"hostile checkpoints {name}", len(contents), survived, 0)
