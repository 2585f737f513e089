"""What was read right, as a table and as a chart."""

from typing import Any

from matplotlib.figure import Figure
from pictures import EMPTY, EMPTY_GROUPS, GROUPS, KINDS

from mnist_lightning.report.scores import wilson_interval

Result = dict[str, Any]
DIGITS = {name: list(group) for name, group in GROUPS.items()}
NAMES = DIGITS | {name: list(group) for name, group in EMPTY_GROUPS.items()}


def table(result: Result, each: int) -> str:
    """Each kind of one reader with its 95 % interval, below its group."""
    if "missing" in result:
        return f"missing: {result['missing']}"
    right, lines = result["right"], [f"{'':<34}{'right':>6}{'of':>7}{'share':>8}{'95 %':>15}"]
    for name, kinds in (("with a digit", [*KINDS]), ("without a digit", [*EMPTY])):
        lines.append(row(name, sum(right[kind] for kind in kinds), each * len(kinds)))
    for name, group in NAMES.items():
        lines += ["", row(name, sum(right[kind] for kind in group), each * len(group))]
        lines += [row(f"  {kind}", right[kind], each) for kind in group]
    for what in ("numbers", "digits"):
        lines += ["", row(f"{what} of several digits", *total(result, what))]
        for spacing, numbers in result["numbers"].items():
            spaced = f"  {spacing.replace('numbers', what)}"
            lines.append(row(spaced, numbers[f"{what}_right"], numbers[what]))
    if "calibration_error" in result:
        lines += ["", f"expected calibration error, one digit: {result['calibration_error']:.4f}"]
    return "\n".join(lines)


def row(name: str, right: int, pictures: int) -> str:
    """A line of the table."""
    low, high = wilson_interval(right, pictures)
    interval = f"{max(low, 0):.1%} to {high:.1%}"  # it may be below 0 by rounding
    return f"{name:<34}{right:>6}{pictures:>7}{right / pictures:>8.1%}{interval:>17}"


def total(result: Result, what: str) -> tuple[int, int]:
    """How many "numbers" or "digits" of numbers were right, and how many there were."""
    every = result["numbers"].values()
    return sum(x[f"{what}_right"] for x in every), sum(x[what] for x in every)


def summary(results: dict[str, Result], each: int) -> dict[str, dict[str, tuple[int, int]]]:
    """For each reader that is there how many are right, of how many, by group."""
    groups = {"one digit": [*KINDS], **DIGITS, "no digit": [*EMPTY]}
    return {
        name: {
            **{
                group: (sum(result["right"][kind] for kind in kinds), each * len(kinds))
                for group, kinds in groups.items()
            },
            "digits of numbers": total(result, "digits"),
            "numbers": total(result, "numbers"),
        }
        for name, result in results.items()
        if "missing" not in result
    }


def side_by_side(results: dict[str, Result], each: int) -> str:
    """A column for each reader, a row for each group."""
    shares = summary(results, each)
    lines = [f"{'':<22}" + "".join(f"{name:>18}" for name in shares)]
    for group in next(iter(shares.values())):
        cells = (shares[name][group] for name in shares)
        lines.append(f"{group:<22}" + "".join(f"{right / of:>18.1%}" for right, of in cells))
    missing = (f"{name}: missing, {x['missing']}" for name, x in results.items() if "missing" in x)
    return "\n".join([*lines, *missing])


def chart(results: dict[str, Result], each: int) -> Figure:
    """A bar for each reader in each group, with its 95 % interval."""
    shares = summary(results, each)
    groups = list(next(iter(shares.values())))
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / len(shares)
    for i, (name, by_group) in enumerate(shares.items()):
        pairs = [by_group[group] for group in groups]
        ends = [wilson_interval(*pair) for pair in pairs]
        heights = [100 * right / of for right, of in pairs]
        errors = [
            [max(height - 100 * low, 0) for height, (low, _) in zip(heights, ends, strict=True)],
            [max(100 * high - height, 0) for height, (_, high) in zip(heights, ends, strict=True)],
        ]
        places = [place + (i - (len(shares) - 1) / 2) * width for place in range(len(groups))]
        axes.bar(places, heights, width, yerr=errors, label=name, error_kw={"lw": 0.8})
    axes.set_xticks(range(len(groups)), groups, rotation=25, ha="right")
    axes.set(ylabel="right, %", ylim=(0, 102))
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=len(shares), frameon=False)
    return figure
