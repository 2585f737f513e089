"""Read pictures by RapidOCR, in an environment that has it; told on standard input, in JSON."""

import json
import sys

from look_alikes import as_digits
from rapidocr_onnxruntime import RapidOCR


def in_rows(found: list[list[object]]) -> str:
    """Boxes of text, each with four corners, from above and from the left."""
    rows: list[list[tuple[float, float, float, str]]] = []
    for corners, text, _ in sorted(found, key=lambda box: sum(y for _, y in box[0])):  # type: ignore[attr-defined]
        ys = [y for _, y in corners]  # type: ignore[attr-defined]
        box = (min(x for x, _ in corners), sum(ys) / 4, max(ys) - min(ys), as_digits(str(text)))  # type: ignore[attr-defined]
        if rows and box[1] - rows[-1][-1][1] < box[2] / 2:
            rows[-1].append(box)
        else:
            rows.append([box])
    lines = ("".join(box[3] for box in sorted(row)) for row in rows)
    return "\n".join(line for line in lines if line)


def main() -> None:
    """Read what is asked for, print a JSON list of texts."""
    task = json.load(sys.stdin)
    engine = RapidOCR()
    texts = []
    for path in task["paths"]:
        if task["several"]:
            found, _ = engine(path, use_cls=False)
            texts.append(in_rows(found or []))
        else:
            found, _ = engine(path, use_det=False, use_cls=False, use_rec=True)
            texts.append(as_digits("".join(text for text, _ in found or []))[:1])
    print(json.dumps(texts))


if __name__ == "__main__":
    main()
