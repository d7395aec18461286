"""How fast innerview's methods are, beside the same work done by others and a bare forward pass.

    python benchmarks/attribution.py --out docs/benchmarks.md

takes an hour or more on two cores; `--quick` some minutes, with fewer windows of occlusion. The page is written
anew after every measurement. Others that are to take part: `pip install "innerview[bench]"`.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import innerview as iv
from measurements import Measurement, measurements
from outcome import Outcome, measure, missing
from page import page
from scene import scene


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write the page."""
    options = _parser().parse_args(arguments)
    outcomes: list[Outcome] = []
    remarks: list[str] = []
    for work in _chosen(options):
        if reason := missing(work):
            remarks.append(f"{work.method} on {work.network} was left out: {reason}")
            continue
        print(f"{work.method} on {work.network} …", flush=True)
        outcomes.append(measure(work, scene(work.network, options.size), options.rounds))
        print("\n".join(_told(outcomes[-1])), flush=True)
        options.out.write_text(page(outcomes, options.size, options.quick, remarks), encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer windows of occlusion, nothing that takes long")
    parser.add_argument("--only", nargs="+", choices=list(iv.METHODS), help="only these methods")
    parser.add_argument("--networks", nargs="+", help="only these networks")
    parser.add_argument("--size", type=int, default=224, help="side of the image in pixels; the goals are for 224")
    parser.add_argument("--rounds", type=int, help="rounds of each contest; by default as suits its length")
    parser.add_argument("--out", type=Path, default=Path("benchmarks.md"), help="where the page goes")
    return parser


def _chosen(options: argparse.Namespace) -> list[Measurement]:
    return [
        each
        for each in measurements(options.quick)
        if (not options.only or each.method in options.only)
        and (not options.networks or each.network in options.networks)
    ]


def _told(outcome: Outcome) -> list[str]:
    times = [f"  {name}: {times.median:.3f} s" for name, times in outcome.times.items()]
    peaks = [f"  {name}: {peak / 2**20:.0f} MiB" for name, peak in outcome.memory.items()]
    return [*times, *peaks, *(f"  {remark}" for remark in outcome.remarks)]


if __name__ == "__main__":
    main()
