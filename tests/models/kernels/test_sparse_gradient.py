"""The gradients of a convolution against NumPy's in float64."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor

from mnist_lightning.models.kernels import sparse_gradient
from mnist_lightning.models.kernels.sparse_gradient import compiled, convolution_gradients

needs_compiled = pytest.mark.skipif(compiled() is None, reason="no compiler at install, or no AVX2")


def made(
    n: int, channels: tuple[int, int], size: tuple[int, int], zeros: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Inputs, weight and a gradient, a share of it zero."""
    torch.manual_seed(0)
    (fan_in, fan_out), (height, width) = channels, size
    gradient = torch.randn(n, fan_out, height, width)
    inputs = torch.randn(n, fan_in, height + 2, width + 2)
    return (
        inputs.contiguous(memory_format=torch.channels_last),
        torch.randn(fan_out, fan_in, 3, 3).contiguous(memory_format=torch.channels_last),
        gradient.where(torch.rand_like(gradient) >= zeros, 0).contiguous(
            memory_format=torch.channels_last
        ),
    )


def in_numpy(*tensors: Tensor) -> tuple[np.ndarray, np.ndarray]:
    x, w, g = (each.double().numpy() for each in tensors)
    of_inputs, of_weight = np.zeros_like(x), np.zeros_like(w)
    height, width = g.shape[2:]
    for i in range(3):
        for j in range(3):
            under = np.s_[:, :, i : i + height, j : j + width]
            of_inputs[under] += np.einsum("nohw,oc->nchw", g, w[:, :, i, j])
            of_weight[:, :, i, j] = np.einsum("nohw,nchw->oc", g, x[under])
    return of_inputs, of_weight


def check(inputs: Tensor, weight: Tensor, gradient: Tensor) -> None:
    results = convolution_gradients(inputs, weight, gradient, (True, True))
    for result, expected in zip(results, in_numpy(inputs, weight, gradient), strict=True):
        assert result is not None
        scale = max(np.abs(expected).max(), 1e-30)
        np.testing.assert_allclose(result.numpy() / scale, expected / scale, rtol=0, atol=2e-6)


# images of fewer and of more rows than are listed at once
@needs_compiled
@pytest.mark.parametrize("channels", [(32, 8), (64, 64), (96, 40)])
@pytest.mark.parametrize("size", [(1, 1), (5, 3), (22, 17)])
def test_gradients_are_the_sums_over_the_pixels(
    channels: tuple[int, int], size: tuple[int, int]
) -> None:
    check(*made(3, channels, size, zeros=0.8))


@needs_compiled
@pytest.mark.parametrize(("threads", "zeros"), [(1, 0), (2, 0.5), (3, 1), (7, 0.5)])
def test_any_number_of_threads_and_share_of_zeros(threads: int, zeros: float) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        check(*made(5, (32, 24), (9, 8), zeros))
    finally:
        torch.set_num_threads(before)


@needs_compiled
def test_memory_in_any_order() -> None:
    inputs, weight, gradient = made(2, (32, 8), (4, 6), zeros=0.5)
    one = gradient[:1, :1, :1, :1].expand_as(gradient)
    check(inputs.contiguous(), weight.contiguous(), gradient.contiguous())
    check(inputs[:, :, :, 1::2], weight.transpose(2, 3), one[:, :, :, :2])


@needs_compiled
def test_a_sum_over_many_images_stays_exact() -> None:
    inputs, weight, _ = made(256, (32, 8), (12, 12), zeros=1)
    tensors = (inputs.abs(), weight, torch.full((256, 8, 12, 12), 0.1))
    _, result = convolution_gradients(*tensors, (False, True))
    assert result is not None
    np.testing.assert_allclose(result.numpy(), in_numpy(*tensors)[1], rtol=5e-6)


@needs_compiled
@pytest.mark.parametrize("default_device", ["cpu", "meta"])
def test_two_runs_give_the_same_bits(default_device: str) -> None:
    tensors = made(5, (32, 16), (9, 9), zeros=0.5)
    first = convolution_gradients(*tensors, (True, True))
    with torch.device(default_device):
        second = convolution_gradients(*tensors, (True, True))
    torch.testing.assert_close(first, second, rtol=0, atol=0)


@needs_compiled
def test_a_number_that_is_none_spreads() -> None:
    inputs, weight, gradient = made(1, (32, 8), (5, 5), zeros=1)
    gradient[0, 3, 2, 2] = torch.nan
    of_inputs, of_weight = convolution_gradients(inputs, weight, gradient, (True, True))
    assert of_inputs is not None
    assert of_weight is not None
    expected = torch.zeros(7, 7, dtype=torch.bool)
    expected[2:5, 2:5] = True
    assert torch.equal(of_inputs.isnan()[0].all(0), expected)
    assert torch.equal(of_inputs.isnan()[0].any(0), expected)
    assert of_weight[3].isnan().all()
    assert not of_weight[[0, 1, 2, 4, 5, 6, 7]].isnan().any()


@needs_compiled
def test_a_processor_without_avx2_gets_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "DEFAULT")
    assert compiled.__wrapped__() is None


def test_a_file_that_does_not_load_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "_sparse_gradient.so"
    broken.write_bytes(b"not a library")
    found = SimpleNamespace(origin=broken)
    monkeypatch.setattr(sparse_gradient, "find_spec", lambda _: found)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    with pytest.warns(UserWarning, match="slower without sparse_gradient .*install"):
        assert compiled.__wrapped__() is None


@needs_compiled
def test_a_file_of_another_version_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sparse_gradient, "INTERFACE", 0)
    with pytest.warns(UserWarning, match="version 1, not 0.: install again"):
        assert compiled.__wrapped__() is None
