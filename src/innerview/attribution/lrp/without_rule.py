"""What relevance cannot pass: operations found in the graph that have no rule."""

import re
from collections.abc import Iterable

from torch import Tensor

from ...errors import MethodError
from .relevance import SHARING

MOVING = re.compile(
    "AccumulateGrad|AdaptiveMaxPool[23]D|Alias|Amax|AsStrided|Cat|Clone|ConstantPadNd|Copy|CopySlices|Expand|Flip|Index|"
    "Max|MaxPool2D|MaxPool[23]DWithIndices|NativeChannelShuffle|Permute|PixelShuffle|PixelUnshuffle|"
    "ReflectionPad[123]D|Repeat|ReplicationPad[123]D|ReshapeAlias|Roll|Select|Slice|Split|SplitWithSizes|Squeeze|Stack|T|"
    "ToCopy|Transpose|Unbind|UnsafeSplit|UnsafeView|Unsqueeze|View"
)
"""Only move values, or take one of several, so that the way back that autograd has for them is right."""
RULES = (
    "convolutions (also transposed) and linear layers of torch.nn with weights that do not depend on the image, ReLU, "
    "leaky ReLU and ELU, batch normalisation in evaluation, layer normalisation, average and maximum pooling, "
    "resizing, sums, products with constants, and values that are only moved"
)


def refuse_unknown(network: str, ends: Iterable[Tensor]) -> None:
    """`MethodError` if relevance on its way from `ends` to the image meets an operation without a rule."""
    todo = [end.grad_fn for end in ends]
    met = set(todo)
    while todo:
        node = todo.pop()
        if node is None:
            continue
        name = re.sub(r"Backwards?\d*$", "", node.name().rpartition("::")[2])
        if name not in SHARING and not MOVING.fullmatch(name):
            sources = [each for each, _ in node.next_functions if each is not None]
            of = " of several values that depend on the image" if len(sources) > 1 else ""
            raise MethodError(
                f"LRP has no rule for {name!r}{of}, which {network} computes. It has rules for {RULES}. "
                "Use IntegratedGradients or GradientTimesInput"
            )
        following = {each for each, _ in node.next_functions} - met
        met |= following
        todo += following
