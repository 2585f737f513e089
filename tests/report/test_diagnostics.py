"""Figures of a test: what they show is what went in."""

import numpy as np

from mnist_lightning.report.diagnostics import (
    plot_attention,
    plot_filters,
    plot_mistakes,
    plot_reliability,
)

IMAGES = np.random.default_rng(0).random((7, 28, 28), np.float32)
LABELS, DIGITS = np.arange(7), np.arange(7) + 1


def test_mistakes_tell_truth_prediction_and_probability() -> None:
    (ax,) = plot_mistakes(IMAGES, LABELS, DIGITS, np.full(7, 0.987)).axes
    texts = [text.get_text() for text in ax.texts]
    assert texts == [f"{i} taken for {i + 1}\n98.7%" for i in range(7)]
    assert len(ax.images) == 7
    (none,) = plot_mistakes(IMAGES[:0], LABELS[:0], DIGITS[:0], np.ones(0)).axes
    assert none.get_title() == "No mistakes"
    places = [text.get_position() for text in ax.texts]
    assert places[6][0] == places[0][0], "six a row"
    assert places[6][1] > places[5][1], "y runs downwards"
    _, _, bottom, top = ax.images[0].get_extent()
    assert ax.get_ylim()[0] > bottom > top > ax.get_ylim()[1], "upright"
    shown = np.asarray(ax.images[3].norm(np.asarray(ax.images[3].get_array())))
    stretched = (IMAGES[3] - IMAGES[3].min()) / (IMAGES[3].max() - IMAGES[3].min())
    np.testing.assert_allclose(shown, stretched, atol=1 / 255)


def test_attention_is_red_above_zero_and_blue_below() -> None:
    gradients = np.zeros((1, 28, 28), np.float32)
    gradients[0, 5, 6], gradients[0, 7, 8] = 2, -2
    dark = np.zeros((1, 28, 28), np.float32)
    (ax,) = plot_attention(dark, gradients, LABELS[:1], DIGITS[:1]).axes
    shown = np.asarray(ax.images[0].get_array())
    assert shown.shape == (28, 56, 4), "image and gradients side by side"
    red, blue, white = (shown[y, 28 + x] for y, x in ((5, 6), (7, 8), (0, 0)))
    np.testing.assert_allclose(np.stack([red, blue]), [[1, 0, 0, 1], [0, 0, 1, 1]])
    np.testing.assert_allclose(white, 1, atol=0.01)


def test_filters_share_one_scale() -> None:
    (ax,) = plot_filters(np.stack([np.full((3, 3), 0.5), np.full((3, 3), -0.25)])).axes
    assert "-0.50 (blue) to 0.50 (red)" in ax.get_title()
    corners = [np.asarray(image.get_array())[0, 0, :3].tolist() for image in ax.images]
    np.testing.assert_allclose(corners, [[1.0, 0.0, 0.0], [0.5, 0.5, 1.0]], atol=0.01)


def test_reliability_stands_accuracy_over_confidence() -> None:
    counts, sure, right = np.array([2, 9]), np.array([0.4, 0.99]), np.array([0.5, 1.0])
    above, below = plot_reliability(counts, sure, right, 0.0123).axes
    assert "0.0123" in above.get_title()
    assert np.asarray(above.lines[1].get_xydata()).tolist() == [[0.4, 0.5], [0.99, 1.0]]
    bars = [bar.get_height() for bar in below.patches if hasattr(bar, "get_height")]
    assert bars == [2, 9]
