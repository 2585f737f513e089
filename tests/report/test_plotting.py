"""Figures: what they show is what went in."""

import numpy as np

from mnist_lightning.report.plotting import (
    plot_confusion_matrix,
    plot_curve,
    plot_curves,
    plot_predictions,
)

HISTORY = {
    "epoch": [1.0, 2.0],
    "loss": [0.5, 0.2],
    "accuracy": [0.8, 0.9],
    "val_loss": [0.4, 0.3],
    "val_accuracy": [0.85, 0.88],
}


def test_a_curve_runs_over_epochs() -> None:
    for stage, metric, column in (("train", "loss", "loss"), ("val", "accuracy", "val_accuracy")):
        (ax,) = plot_curve(HISTORY, stage, metric).axes
        assert ax.get_xlabel() == "Epoch"
        points = list(zip([1, 2], HISTORY[column], strict=True))
        np.testing.assert_array_equal(ax.lines[0].get_xydata(), points)


def test_no_accuracy_above_one_is_on_the_axis() -> None:
    (ax,) = plot_curve({"epoch": [1], "accuracy": [0.99]}, "train", "accuracy").axes
    assert 1 < ax.get_ylim()[1] <= 1.01


def test_curves_show_training_and_validation_together() -> None:
    loss, accuracy = plot_curves(HISTORY).axes
    curves = [np.asarray(line.get_ydata()).tolist() for line in loss.lines]
    assert curves == [[0.5, 0.2], [0.4, 0.3]]
    assert [line.get_label() for line in accuracy.lines] == ["training", "validation"]


def test_predictions_are_titled_with_prediction_and_truth() -> None:
    labels, digits = np.array([3, 4, 5, 6, 7]), np.array([3, 4, 1, 6, 7])
    images = np.random.default_rng(0).random((5, 28, 28), np.float32)
    figure = plot_predictions(images, labels, digits)
    right, wrong = figure.axes
    assert (right.get_title(), wrong.get_title()) == (
        "Classified correctly",
        "Classified incorrectly",
    )
    titles = [text.get_text() for text in (*right.texts, *wrong.texts)]
    pairs = (3, 3), (4, 4), (6, 6), (7, 7), (1, 5)
    assert titles == [f"predicted {digit}, true {label}" for digit, label in pairs]
    np.testing.assert_array_equal(wrong.images[0].get_array(), images[2])
    (only,) = plot_predictions(images[:2], labels[:2], digits[:2]).axes
    assert only.get_title() == "Classified correctly"
    assert right.texts[3].get_position()[0] == right.texts[0].get_position()[0], "three a row"


def test_confusion_matrix_shows_counts_with_truth_in_rows() -> None:
    matrix = np.array([[7, 0], [2, 5]])
    (ax,) = plot_confusion_matrix(matrix).axes
    assert {text.get_position(): text.get_text() for text in ax.texts} == {
        (0, 0): "7",
        (1, 0): "·",
        (0, 1): "2",
        (1, 1): "5",
    }
    assert ax.get_ylabel() == "True digit"
