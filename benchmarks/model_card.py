"""The model card of the network that comes with the package, as Markdown."""

from string import Template
from typing import Any

from non_digits import UNKNOWN
from training_set import DEFORMED, GENERATED, HELD_OUT, NON_DIGITS

from mnist_lightning.models.pretrained import FILE, read_pretrained
from mnist_lightning.report.scores import wilson_interval

PAGE = Template("""\
# Model card: the network that comes with mnist_lightning

| | |
|---|---|
| network | `ConvNet($arguments)`, $parameters parameters |
| trained on | $mnist of MNIST's training images, and on what MNIST lacks: see below |
| command | `python -m mnist_lightning $command` |
| seed | $seed; the last epoch's weights, no epoch chosen |
| test images right | $right of 10,000 ($accuracy), 95 % interval $low to $high |
| temperature | $temperature |
| threshold of rejection | $threshold |
| machine | $processor, $threads threads; torch $torch, lightning $lightning |
| `mnist.safetensors` | $size bytes, SHA-256 `$sha256` |
| `rejection.safetensors` | SHA-256 `$rejection_sha256` |
| made by | `python benchmarks/pretrained.py` |

It takes images (B, 1, 28, 28) float32 in [0, 1], bright ink on dark ground, one digit in each,
framed as MNIST's are, and gives logits (B, 10). `predict`, `draw` and `predict_images` frame
pictures so.

Beside MNIST it was trained on $deformed of these images deformed elastically (Simard et al., 2003)
and written with thinner and thicker pens, $generated generated digits in many countries' forms, and
$non_digits images that are no digit: an eleventh class, whose row of the last layer is in
`rejection.safetensors`. `python benchmarks/training_set.py FOLDER` composes them.

The last $held_out of MNIST's training images were held out. On them, on generated digits and on
simulated pictures of them the temperature and the threshold were chosen. The table shows what share
is refused as no digit: of digits, of pictures with a digit, then of what is no digit, known
families and unknown ones, which have a star and were kept out of training; and of each family:

| group | refused |
|---|---|
$refused

The test images were scored after each epoch, as the Keras original does, and chose nothing. Turned
and mirrored digits are not among what it has seen.

`ConvNet.from_pretrained()` opens it, and refuses a file with another hash. Licence: MIT, as the
library's. MNIST: Y. LeCun, C. Cortes, C. J. C. Burges.
""")


def page(card: dict[str, Any]) -> str:
    """The card as Markdown."""
    _, arguments = read_pretrained()
    low, high = wilson_interval(card["right"], 10_000)
    refused = (
        f"| {name}{'*' * (name in UNKNOWN)} | {share:.1%} |"
        for name, share in card["refused"].items()
    )
    return PAGE.substitute(
        card | card["machine"] | card["machine"]["versions"],
        arguments=", ".join(f"{name}={value}" for name, value in arguments.items()),
        parameters=f"{card['parameters']:,}",
        right=f"{card['right']:,}",
        accuracy=f"{card['accuracy']:.2%}",
        low=f"{low:.2%}",
        high=f"{high:.2%}",
        size=f"{FILE.stat().st_size:,}",
        temperature=f"{card['temperature']:.3f}",
        threshold=f"{card['threshold']:.3f}",
        refused="\n".join(refused),
        mnist=f"{60_000 - HELD_OUT:,}",
        deformed=f"{DEFORMED:,}",
        generated=f"{GENERATED:,}",
        non_digits=f"{NON_DIGITS:,}",
        held_out=f"{HELD_OUT:,}",
    )
