"""Figures: what they show is what went in."""

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from scipy.stats import binomtest

from mnist_lightning.report import plotting

HISTORY = {"epoch": [1.0, 2.0], "loss": [0.5, 0.2], "accuracy": [0.8, 0.9]}
HISTORY |= {"val_loss": [0.4, 0.3], "val_accuracy": [0.5, 1.0]}
IMAGES = np.random.default_rng(0).random((7, 28, 28), np.float32)
LABELS, DIGITS = np.arange(7), np.arange(7) + 1


def test_a_curve_runs_over_epochs() -> None:
    (ax,) = plotting.plot_curves(HISTORY, ["accuracy"], ["val_"]).axes
    assert (ax.get_xlabel(), ax.get_title()) == ("Epoch", "Validation accuracy")
    assert np.asarray(ax.lines[0].get_xydata()).tolist() == [[1, 0.5], [2, 1]]
    assert 1 < ax.get_ylim()[1] <= 1.01, "no accuracy above 1"


def test_curves_show_training_and_validation_together() -> None:
    loss, accuracy = plotting.plot_curves(HISTORY).axes
    curves = [np.asarray(line.get_ydata()).tolist() for line in loss.lines]
    assert curves == [[0.5, 0.2], [0.4, 0.3]]
    assert [line.get_label() for line in accuracy.lines] == ["training", "validation"]


def test_predictions_are_titled_with_truth_and_prediction() -> None:
    labels, digits = np.array([3, 4, 5, 6, 7]), np.array([3, 4, 1, 6, 7])
    right, wrong = plotting.plot_predictions(IMAGES[:5], labels, digits).axes
    assert [ax.get_title()[11:] for ax in (right, wrong)] == ["correctly", "incorrectly"]
    titles = [text.get_text() for text in (*right.texts, *wrong.texts)]
    pairs = (3, 3), (4, 4), (6, 6), (7, 7), (1, 5)
    assert titles == [f"true {label}, predicted {digit}" for digit, label in pairs]
    np.testing.assert_array_equal(wrong.images[0].get_array(), IMAGES[2])
    assert right.texts[3].get_position()[0] == right.texts[0].get_position()[0], "three a row"
    (only,) = plotting.plot_predictions(IMAGES[:2], labels[:2], digits[:2]).axes
    assert only.get_title() == "Classified correctly"


def test_confusion_matrix_shows_counts_with_truth_in_rows() -> None:
    (ax,) = plotting.plot_confusion_matrix(np.array([[7, 0], [2, 5]]), range(2)).axes
    counts = {text.get_position(): text.get_text() for text in ax.texts}
    assert counts == {(0, 0): "7", (1, 0): "·", (0, 1): "2", (1, 1): "5"}
    assert ax.get_ylabel() == "True digit"


def test_classes_have_their_names() -> None:
    (ax,) = plotting.plot_confusion_matrix(np.eye(2, dtype=int), ["Bag", "Ankle boot"]).axes
    ticks = [[label.get_text() for label in each.get_ticklabels()] for each in (ax.xaxis, ax.yaxis)]
    assert ticks == [["Bag", "Ankle boot"]] * 2
    assert ax.get_ylabel() == "True class"
    names = np.array(["Bag", "Ankle boot"])
    (ax,) = plotting.plot_mistakes(IMAGES[:2], names, names[::-1], np.full(2, 0.5)).axes
    assert ax.texts[0].get_text() == "true Bag,\npredicted Ankle boot\nloss 0.50"
    (ax,) = plotting.plot_predictions(IMAGES[:2], names, names[::-1]).axes
    assert ax.texts[1].get_text() == "true Ankle boot,\npredicted Bag"


def test_mistakes_tell_truth_prediction_and_loss() -> None:
    (ax,) = plotting.plot_mistakes(IMAGES, LABELS, DIGITS, np.arange(9, 2, -1) + 0.126).axes
    assert [text.get_text() for text in ax.texts] == [
        f"true {i}, predicted {i + 1}\nloss {9 - i}.13" for i in LABELS
    ]
    assert len(ax.images) == 7
    places = [text.get_position() for text in ax.texts]
    assert places[6][0] == places[0][0], "six a row"
    assert places[6][1] > places[5][1], "y runs downwards"
    _, _, bottom, top = ax.images[0].get_extent()
    assert ax.get_ylim()[0] > bottom > top > ax.get_ylim()[1], "upright"
    shown = np.asarray(ax.images[3].norm(np.asarray(ax.images[3].get_array())))
    stretched = (IMAGES[3] - IMAGES[3].min()) / np.ptp(IMAGES[3])
    np.testing.assert_allclose(shown, stretched, atol=1 / 255)
    (none,) = plotting.plot_mistakes(IMAGES[:0], LABELS[:0], DIGITS[:0], np.ones(0)).axes
    assert none.get_title() == "No mistakes"


def test_saliency_is_red_above_zero_and_blue_below() -> None:
    gradients, dark = np.zeros((2, 1, 28, 28), np.float32)
    gradients[0, 5, 6], gradients[0, 7, 8] = 2, -2
    (ax,) = plotting.plot_saliency(dark, gradients, LABELS[:1], DIGITS[:1]).axes
    shown = np.asarray(ax.images[0].get_array())
    assert shown.shape == (28, 56, 4), "image and gradients side by side"
    expected = [[1, 0, 0, 1], [0, 0, 1, 1], [1, 1, 1, 1]]  # red, blue, white
    np.testing.assert_allclose(shown[[5, 7, 0], [28 + 6, 28 + 8, 28]], expected, atol=0.01)
    (none,) = plotting.plot_saliency(dark[:0], dark[:0], LABELS[:0], DIGITS[:0]).axes
    assert none.get_title() == "No mistakes"


def test_filters_share_one_scale() -> None:
    (ax,) = plotting.plot_filters(np.array([0.5, -0.25]).repeat(9).reshape(2, 3, 3)).axes
    assert "-0.50 (blue) to 0.50 (red)" in ax.get_title()
    corners = [np.asarray(image.get_array())[0, 0, :3].tolist() for image in ax.images]
    np.testing.assert_allclose(corners, [[1.0, 0.0, 0.0], [0.5, 0.5, 1.0]], atol=0.01)


def test_reliability_stands_accuracy_over_confidence() -> None:
    bins = np.array([[2, 0.4, 0.5], [9, 0.99, 1]])
    above, below = plotting.plot_reliability(bins, 0.0123).axes
    assert "0.0123" in above.get_title()
    assert np.asarray(above.lines[1].get_xydata()).tolist() == [[0.4, 0.5], [0.99, 1.0]]
    (bars,) = above.collections
    assert isinstance(bars, LineCollection)
    for (right, count), bar in zip(((1, 2), (9, 9)), bars.get_segments(), strict=True):
        interval = binomtest(right, count).proportion_ci(0.95, "wilson")
        assert np.asarray(bar)[:, 1] == pytest.approx(tuple(interval))
    assert [bar.get_height() for bar in below.patches if hasattr(bar, "get_height")] == [2, 9]
