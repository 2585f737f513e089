"""Time predictions: PyTorch and ONNX Runtime, a process for each, at several batch sizes."""

import argparse
import json
import multiprocessing as mp
import shlex
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch
from machine import describe, one_line

from mnist_lightning import ConvNet
from mnist_lightning.data.dataset import Scaling
from mnist_lightning.export.formats import ExportedNet, to_onnx

HERE = Path(__file__).parent
BATCH_SIZES = (1, 32, 512)
SECONDS = 0.5  # of a turn


def torch_runner(path: str) -> Callable[[int], object]:
    """Predict with PyTorch as it is."""
    net = ConvNet(hidden_dims=torch.load(path)["hidden_dims"]).eval()
    net.load_state_dict(torch.load(path)["weights"])
    images = {size: torch.rand(size, 1, 28, 28) for size in BATCH_SIZES}

    def run(size: int) -> object:
        with torch.inference_mode():
            return net(images[size])

    return run


def onnx_runner(path: str) -> Callable[[int], object]:
    """Predict with ONNX Runtime, with as many threads as PyTorch has."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(f"{path}.onnx", options)
    images = {size: torch.rand(size, 1, 28, 28).numpy() for size in BATCH_SIZES}
    return lambda size: session.run(None, {"images": images[size]})


RUNNERS = {"torch eager": torch_runner, "ONNX Runtime": onnx_runner}


def serve(name: str, path: str, pipe: Any) -> None:
    """Answer each batch size with the milliseconds of one prediction."""
    run = RUNNERS[name](path)
    for size in iter(pipe.recv, None):
        run(size)
        started, count = time.perf_counter(), 0
        while time.perf_counter() - started < SECONDS:
            run(size)
            count += 1
        pipe.send(1000 * (time.perf_counter() - started) / count)


def measure(path: str, rounds: int) -> dict[str, dict[int, list[float]]]:
    """Let the runners take turns; milliseconds of each turn, by runner and batch size."""
    context = mp.get_context("spawn")
    pipes = {}
    for name in RUNNERS:
        pipes[name], theirs = context.Pipe()
        context.Process(target=serve, args=(name, path, theirs), daemon=True).start()
    times: dict[str, dict[int, list[float]]] = {
        name: {size: [] for size in BATCH_SIZES} for name in RUNNERS
    }
    for _ in range(rounds):
        for size in BATCH_SIZES:
            for name, pipe in pipes.items():
                pipe.send(size)
                times[name][size].append(pipe.recv())
    for pipe in pipes.values():
        pipe.send(None)
    return times


def save(hidden_dims: list[int], path: str) -> None:
    """Write the network for both: weights for PyTorch, and as ONNX with a free batch size."""
    net = ConvNet(hidden_dims=hidden_dims).eval()
    torch.save({"hidden_dims": hidden_dims, "weights": net.state_dict()}, path)
    model = ExportedNet(net, "float32", Scaling(), softmax=False)
    Path(f"{path}.onnx").write_bytes(to_onnx(model, {}))


def main() -> None:
    """Measure, print the table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", default="small", help="part of the results file's name")
    parser.add_argument("--hidden_dims", type=json.loads, default=[128])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--results", type=Path, default=HERE / "results", help="folder to write to")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        save(given.hidden_dims, f"{folder}/net")
        times = measure(f"{folder}/net", given.rounds)
    machine, command = describe(), shlex.join(["python", *sys.argv])
    data = {"command": command, "machine": machine, "ms": times}
    path = given.results / f"inference-{given.name}.json"
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    for size in BATCH_SIZES:
        for name in RUNNERS:
            ms = times[name][size]
            print(
                f"batch {size:>3}  {name:<13} {median(ms):>9.3f} ms  {min(ms):.3f} to {max(ms):.3f}"
            )
    print(command, one_line(machine), sep="\n")


if __name__ == "__main__":
    main()
