"""Colours in which natural images vary independently of each other."""

import torch
from jaxtyping import Float
from torch import Tensor

_CORRELATION = ((0.26, 0.09, 0.02), (0.27, 0.0, -0.05), (0.27, -0.09, 0.03))


def correlated(
    independent: Float[Tensor, "picture channel row column"],
) -> Float[Tensor, "picture channel row column"]:
    """Red, green and blue made of three independent colours; inputs that have not three channels stay as they are.

        rgb = C t,   C the square root of the covariance of natural colours, divided by its largest column norm

    Reference: Olah, Mordvintsev and Schubert 2017, Feature visualization, on preconditioning; numbers of Lucid.
    """
    return _mixed(_matrix(independent), independent)


def decorrelated(
    colours: Float[Tensor, "picture channel row column"],
) -> Float[Tensor, "picture channel row column"]:
    """The inverse of `correlated`."""
    return _mixed(torch.linalg.inv(_matrix(colours)), colours)


def _mixed(matrix: Tensor, colours: Tensor) -> Tensor:
    return torch.einsum("ij,pjyx->piyx", matrix, colours) if colours.shape[1] == 3 else colours


def _matrix(like: Tensor) -> Float[Tensor, "3 3"]:
    matrix = torch.tensor(_CORRELATION, dtype=like.dtype, device=like.device)
    return matrix / matrix.norm(dim=0).max()
