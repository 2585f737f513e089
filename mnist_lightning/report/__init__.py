"""What a run shows: history, figures, scores, TensorBoard, page."""
