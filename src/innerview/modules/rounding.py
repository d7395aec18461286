"""How far apart two numbers have to be for their difference to be more than rounding."""

import torch


def rounding(precision: torch.dtype) -> float:
    """ε^⅔: a third of the digits is rounding, as a part of the largest of the numbers that are compared.

    Rounding differs between processors, and on one of them between a batch and a single image: the class scores of
    common networks by up to 5 ε in single precision and ½ ε in bfloat16. ε^⅔ is 200 ε and 5 ε there.
    """
    return torch.finfo(precision).eps ** (2 / 3)
