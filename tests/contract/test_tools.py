"""Other tools do with our network and loaders what they do with stock ones."""

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning import Fabric
from lightning.pytorch.callbacks import BackboneFinetuning
from lightning.pytorch.tuner.tuning import Tuner
from lightning.pytorch.utilities.combined_loader import CombinedLoader
from rows import Row, compare, table
from safetensors.torch import load_file, save_file
from sides import Side
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parameters_to_vector, vector_to_parameters
from torch.utils.data import ConcatDataset, DataLoader, Subset, random_split

pytestmark = pytest.mark.contract
IMAGES = torch.rand(8, 1, 28, 28, generator=torch.Generator().manual_seed(1))
LABELS = torch.arange(8)


def alike(one: Tensor, other: Tensor) -> bool:
    return torch.allclose(one, other, atol=1e-5)


def learns(
    loader: Any, module: Any, optimizer: Any, backward: Callable[[Tensor], Any]
) -> list[Any]:
    """Train in a plain loop for three passes; do losses fall, and what were the batches."""
    losses, kinds = [], set()
    for _ in range(3):
        for images, labels in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(module(images), labels)
            backward(loss)
            optimizer.step()
            losses.append(loss.item())
            kinds.add(f"{images.dtype} {[*images.shape]} {labels.dtype} {[*labels.shape]}")
    return [len(losses), losses[-1] < losses[0], sorted(kinds)]


def plain_loop(side: Side) -> Any:
    module = side.module()
    optimizer = module.configure_optimizers()
    return learns(side.ready().train_dataloader(), module, optimizer, Tensor.backward)


def with_fabric(side: Side) -> Any:
    fabric, module = Fabric(accelerator="cpu"), side.module()
    wrapped, optimizer = fabric.setup(module, module.configure_optimizers())
    loader = fabric.setup_dataloaders(side.ready().train_dataloader())
    return learns(loader, wrapped, optimizer, fabric.backward)


def lbfgs(side: Side) -> Any:
    net = side.module().net
    optimizer = torch.optim.LBFGS(net.parameters(), line_search_fn="strong_wolfe")

    def loss() -> Any:
        optimizer.zero_grad()
        value = F.cross_entropy(net(IMAGES), LABELS)
        value.backward()  # type: ignore[no-untyped-call]
        return value

    return float(optimizer.step(loss)) > float(loss())  # type: ignore[no-untyped-call]


def net(use: Callable[[Any], Any]) -> Row:
    """What a use of the bare network gives."""
    return lambda side: use(side.module().net.eval())


def loader(use: Callable[[Any], Any]) -> Row:
    """What a use of the training loader gives."""
    return lambda side: use(side.ready().train_dataloader())


def per_sample(model: Any) -> Any:
    """Gradients of each image by torch.func, against one image at a time."""
    weights = dict(model.named_parameters())

    def loss(values: Any, image: Tensor, label: Tensor) -> Tensor:
        logits = torch.func.functional_call(model, values, image[None])
        return F.cross_entropy(logits, label[None])

    rows = torch.func.vmap(torch.func.grad(loss), (None, 0, 0))(weights, IMAGES, LABELS)
    loss(weights, IMAGES[3], LABELS[3]).backward()  # type: ignore[no-untyped-call]
    return [alike(rows[name][3], weight.grad) for name, weight in weights.items()]


def tensors(model: Any) -> Any:
    save_file(model.state_dict(), "net.safetensors")
    other = copy.deepcopy(model).apply(lambda layer: getattr(layer, "reset_parameters", int)())
    other.load_state_dict(load_file("net.safetensors"))
    return alike(other(IMAGES), model(IMAGES))


def as_vector(model: Any) -> Any:
    vector = parameters_to_vector(model.parameters())
    vector_to_parameters(vector * 0, model.parameters())
    return [*vector.shape, model(IMAGES).abs().max().item()]


def traced(trace: Callable[[Any], Any]) -> Row:
    """Whether a trace of the network gives what the network does."""
    return net(lambda model: alike(trace(model)(IMAGES), model(IMAGES)))


def compiled(backend: str) -> Row:
    def row(side: Side) -> Any:
        module, trainer = side.module(), side.trainer()
        compiled_one: Any = torch.compile(module, backend=backend)
        trainer.fit(compiled_one, datamodule=side.data())
        return [trainer.global_step, sorted(trainer.callback_metrics)]

    return row


def two_loaders(side: Side) -> Any:
    data, trainer, module = side.ready(), side.trainer(), side.module()
    trainer.fit(module, data.train_dataloader(), [data.val_dataloader(), data.val_dataloader()])
    return [trainer.global_step, sorted(trainer.callback_metrics)]


def tuned(side: Side) -> Any:
    module, data = side.module(lr=1e-5), side.data(batch_size=4)
    tuner = Tuner(side.trainer())
    found: Any = tuner.lr_find(module, datamodule=data, num_training=20)
    tuner.scale_batch_size(module, datamodule=data, max_trials=2, steps_per_trial=1, init_val=4)
    return [len(found.results["lr"]), module.lr != 1e-5, data.batch_size]


def fabric_saves(side: Side) -> Any:
    fabric, module = Fabric(accelerator="cpu"), side.module()
    wrapped, optimizer = fabric.setup(module, module.configure_optimizers())
    state = {"module": wrapped, "optimizer": optimizer}
    before = parameters_to_vector(module.parameters())
    fabric.save("all.ckpt", state)
    vector_to_parameters(before * 0, module.parameters())
    fabric.load("all.ckpt", state)
    return alike(parameters_to_vector(module.parameters()), before)


def trained_copy(change: Callable[[Any], Any]) -> Row:
    """Whether a copy of a trained module, still with its trainer, gives the same."""

    def row(side: Side) -> Any:
        module = side.module()
        side.trainer(max_epochs=1).fit(module, datamodule=side.data())
        return alike(change(module).net(IMAGES), module.net(IMAGES))

    return row


quantized = torch.ao.quantization.quantize_dynamic


def backbone(side: Side) -> list[Any]:
    module, finetuning = side.module(), BackboneFinetuning(unfreeze_backbone_at_epoch=1)
    module.backbone = module.net.features
    before = [weight.clone() for weight in module.backbone.parameters()]
    trainer = side.trainer(callbacks=[finetuning])
    trainer.fit(module, datamodule=side.data())
    weights = [*module.backbone.parameters()]
    moved = [bool((x != y).any()) for x, y in zip(before, weights, strict=True)]
    return [trainer.global_step, moved, [weight.requires_grad for weight in weights]]


ROWS: dict[str, Row] = {
    "backbone-finetuning": backbone,
    "plain-loop": plain_loop,
    "fabric": with_fabric,
    "fabric-saves": fabric_saves,
    "tuner": tuned,
    "two-validation-loaders": two_loaders,
    "compile-eager": compiled("eager"),
    "compile-aot": compiled("aot_eager"),
    "loader-zip": loader(lambda it: len(list(zip(it, it, strict=True)))),
    "loader-interleaved": loader(lambda it: [len(next(iter(it))[1]), len(list(it)), len(list(it))]),
    "loader-kind": loader(lambda it: [isinstance(it, DataLoader), it.drop_last, it.batch_size]),
    "loader-size": loader(lambda it: [len(it), len(it.dataset), len(it.sampler), it.num_workers]),
    "loader-combined": loader(lambda it: len(list(CombinedLoader([it, it], "min_size")))),
    "loader-cycled": loader(lambda it: len(list(CombinedLoader([it, [1]], "max_size_cycle")))),
    "loader-of-data-set": loader(lambda it: [b[0].dtype for b in DataLoader(it.dataset, 20)]),
    "loader-workers": loader(
        lambda it: [len(b[1]) for b in DataLoader(it.dataset, 20, num_workers=1)]
    ),
    "loader-subset": loader(lambda it: [len(b[1]) for b in DataLoader(Subset(it.dataset, [1, 2]))]),
    "loader-split": loader(
        lambda it: [len(DataLoader(x)) for x in random_split(it.dataset, [0.5] * 2)]
    ),
    "loader-joined": loader(lambda it: len(list(DataLoader(ConcatDataset([it.dataset] * 2), 16)))),
    "loader-pickled": loader(lambda it: len(list(pickle.loads(pickle.dumps(it))))),
    "data-copied": lambda side: len(list(copy.deepcopy(side.ready()).train_dataloader())),
    "lbfgs": lbfgs,
    "vector": net(as_vector),
    "per-sample-gradients": net(per_sample),
    "jacobian": net(lambda m: [*torch.func.jacrev(m)(IMAGES[:2]).shape]),
    "safetensors": net(tensors),
    "contiguous": net(lambda m: [x.is_contiguous() for x in m.state_dict().values()]),
    "export": traced(lambda m: torch.export.export(m, (IMAGES,)).module()),
    "trace": traced(lambda m: torch.jit.trace(m, IMAGES)),  # type: ignore[no-untyped-call]
    "script": traced(torch.jit.script),
    "fx": traced(torch.fx.symbolic_trace),
    "double": net(lambda m: m.double()(IMAGES.double()).dtype),
    "half": net(lambda m: m.bfloat16()(IMAGES.bfloat16()).dtype),
    "channels-last": traced(lambda m: copy.deepcopy(m).to(memory_format=torch.channels_last)),
    "averaged": traced(torch.optim.swa_utils.AveragedModel),
    "deepcopy": trained_copy(copy.deepcopy),
    "pickle": trained_copy(lambda module: pickle.loads(pickle.dumps(module))),
    "quantized": net(
        lambda m: str(quantized(m, {nn.Linear}, torch.qint8)).count("DynamicQuantized")  # type: ignore[no-untyped-call]
    ),
    "parallel": traced(nn.DataParallel),
    "hooked": net(lambda m: [h.remove() for h in [m.head.register_forward_hook(print)]]),
}
SAMPLE = """plain-loop fabric loader-zip
loader-kind vector quantized two-validation-loaders"""


@pytest.mark.parametrize("row", table(ROWS, SAMPLE))
def test_as_with_stock_classes(row: Row, images: Path, tmp_path: Path) -> None:
    compare(row, images, tmp_path)
