"""`innerview dream`: images in which the network sees more of what it sees already."""

from typing import Annotated

import innerview as iv

from .flags import NUMBER, Out, Photographs, Seed
from .flowing import flowing
from .images import usable
from .options import DEFAULT, NetworkOptions
from .output import output, write, wrote
from .questions import NOTHING_ASKED, QuestionOptions
from .synthesize import show


@flowing
def dream(  # noqa: PLR0913 - every option is a parameter
    images: Photographs,
    /,
    *,
    question: QuestionOptions = NOTHING_ASKED,
    octaves: Annotated[int, NUMBER] = 4,
    ratio: Annotated[float, NUMBER] = 1.4,
    octave_steps: Annotated[int, NUMBER] = 10,
    step: Annotated[float, NUMBER] = 0.01,
    seed: Seed = 0,
    out: Out = None,
    net: NetworkOptions = DEFAULT,
) -> int:
    """Images in which the network sees more of what it sees already.

    Writes one figure with each image as it is dreamt of. The images are resized to the network's input; --size makes
    that larger. An image that cannot be read is named and left out.

    Args:
        octaves: in how many sizes to dream, from small to large.
        ratio: how much larger each size is than the one before.
        octave_steps: how many steps to take in each size.
        step: the mean change of a pixel in one step, in pixels of 0-1.
        out: the figure, .png, .webp, .svg or .pdf, or .safetensors for the raw values; by default
            innerview-dream-IMAGE.png in the current folder, named after the first image.
    """
    how = iv.Octaves(ratio=ratio, steps=octave_steps, step=step)
    out = output(out, "dream", images)
    network = net.load()
    asked = question.asked(network)
    with iv.progress_bar():
        there = usable(network, images)
        found = iv.dream(network, list(there.inputs), asked, octaves=octaves, how=how, seed=seed)
    write(found, out)
    show(found)
    wrote(out)
    return there.code
