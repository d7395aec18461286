"""How much maps change in half precision: `python benchmarks/precision.py --out docs/precision.md`.

Every method of the catalogue that fits, with the built-in network on the photograph that matplotlib ships: the
correlation of the map in half precision with the one in single precision, over all pixels.
"""

import argparse
import platform
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import torch
from matplotlib.cbook import get_sample_data
from torch import Tensor

import innerview as iv
from innerview.results import versions

NETWORK, TARGET = "builtin/tiny-resnet", "military uniform"
PRECISIONS = (torch.bfloat16, torch.float16)
PHOTOGRAPH = get_sample_data("grace_hopper.jpg", asfileobj=False)


def agreements() -> Iterator[tuple[str, list[float]]]:
    """By method, the correlations in the precisions; methods that do not fit the network are left out."""
    for kind in iv.METHODS.values():
        try:
            exact = heatmap(kind(), torch.float32)
        except iv.MethodError:
            continue
        yield kind.about.title, [correlation(heatmap(kind(), each), exact) for each in PRECISIONS]


def heatmap(method: iv.Method, precision: torch.dtype) -> Tensor:
    """The map of a network that computes in this precision."""
    net = iv.load(NETWORK)
    net.module.to(precision)
    return method(net, PHOTOGRAPH, iv.Logit(TARGET)).heatmap().double()


def correlation(one: Tensor, other: Tensor) -> float:
    """Pearson's; 1 for maps that differ by a factor and a constant only."""
    return torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1].item()


def page(rows: Sequence[tuple[str, list[float]]]) -> str:
    """The table, with what it was measured on."""
    libraries = ", ".join(f"{name} {number}" for name, number in versions().items())
    head = "| method | " + " | ".join(str(each).removeprefix("torch.") for each in PRECISIONS) + " |"
    lines = [f"| {title} | " + " | ".join(f"{value:.4f}" for value in values) + " |" for title, values in rows]
    return "\n".join(
        [
            "# Half precision",
            "",
            "A network computes in the precision it has, `net.module.to(torch.bfloat16)` or `half()`, and every method",
            "follows. This is how well its maps agree then with those in single precision: the correlation over all",
            f"pixels, for {NETWORK} on matplotlib's photograph, asked for {TARGET!r}.",
            "",
            f"Measured on {datetime.now(UTC):%Y-%m-%d} on a {platform.machine()} CPU, {libraries}, by",
            "`python benchmarks/precision.py --out docs/precision.md`.",
            "",
            head,
            "| --- | --- | --- |",
            *lines,
            "",
        ]
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("precision.md"), help="where the page goes")
    options = parser.parse_args(arguments)
    options.out.write_text(page(list(agreements())), encoding="utf-8")


if __name__ == "__main__":
    main()
