"""Attention, followed from the tokens that the answer is read from back to the patches of the image."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..errors import MethodError
from ..modules.attention import Attention, AttentionTracer
from ..network.network import Network
from ..network.readings import AsTold
from ..network.recognition import reading_of
from ..objectives import Objective
from ..objectives.scoring import input_gradient
from .method import About, Inputs, Maps, Method

FUSE = {"mean": Tensor.mean, "max": Tensor.amax, "min": Tensor.amin}


@dataclass(frozen=True)
class AttentionRollout(Method):
    """Which patches a transformer's answer can have taken information from, through the attention of all layers.

    Bright where much attention leads to. The plain form does not depend on the class: it shows where the
    network looks, not why. With `gradient` it answers the question: attention counts where more of it would
    raise the objective. Neither knows what the layers between do to the information.

        plain:     values = r M_L ⋯ M₁,   M = (A + I), each row divided by its sum,   A = meanₕ Aₕ
        gradient:  values = r M_L ⋯ M₁,   M = I + Ā,   Ā = meanₕ (∂s/∂Aₕ ⊙ Aₕ)⁺

    r is the mean over the tokens that the question reads behind the last attention layer: the class token, or
    all patches under global average pooling. It is found from the gradient. A question about a layer inside
    goes back from there. Tokens that are no patch of the image are not shown.

    Reference: Abnar and Zuidema, "Quantifying Attention Flow in Transformers", 2020, eq. 1; with `gradient`
    Chefer, Gur and Wolf, "Generic Attention-model Explainability for Interpreting Bi-Modal and Encoder-Decoder
    Transformers", 2021, eq. 5 and 6. Plain values are shares of the information, which over all tokens add up
    to one; with `gradient` they are in no unit.

    Args:
        gradient: weigh the attention with the gradient of the objective.
        heads: how the heads of a layer become one: their "mean" (as published), "max" or "min".

    Raises:
        MethodError: the network has no attention, or attends within windows, from some tokens to others, or
            among tokens that become fewer from layer to layer.
    """

    about = About(
        title="Attention rollout",
        reference="Abnar and Zuidema 2020",
        cost="1 forward and 1 backward pass",
        needs="a transformer with attention among all tokens",
    )

    gradient: bool = False
    heads: Literal["mean", "max", "min"] = "mean"

    @property
    def signed(self) -> bool:
        """False: attention is never negative."""
        return False

    def attribute(self, net: Network, images: Inputs, objective: Objective) -> Maps:
        """The rollout at the resolution of the patches, one channel."""
        layers: list[_Layer] = []
        with AttentionTracer(len(images), lambda attention: layers.append(self._layer(attention))):
            input_gradient(net, images, objective)
        if obstacle := _obstacle(layers, len(images)):
            raise _refusal(net, obstacle)
        read = layers[0].read.to(layers[0].mixing)
        row = read / read.sum(1, keepdim=True).clamp_min(1)
        for layer in layers:
            row = torch.einsum("bq,bqk->bk", row, layer.mixing)
        return _on_grid(net, images, row[..., None])

    def _layer(self, attention: Attention) -> "_Layer":
        """The heads become one at once, so that no more than a matrix per layer is held."""
        shares = attention.probabilities
        fused = FUSE[self.heads]((shares * attention.gradients).relu() if self.gradient else shares, 1)
        mixing = fused + torch.eye(*fused.shape[1:]).to(fused)
        read = attention.gradients.ne(0).any(3).any(1)
        return _Layer(mixing if self.gradient else mixing / mixing.sum(2, keepdim=True), read)


class _Layer(NamedTuple):
    """One layer: how it mixes the tokens, and which of its queries have a say in the answer."""

    mixing: Float[Tensor, "row query key"]
    read: Bool[Tensor, "row query"]


def _obstacle(layers: list[_Layer], images: int) -> str | None:
    """Why attention cannot be followed through these layers."""
    shapes = [layer.mixing.shape for layer in layers]
    if not shapes:
        return "shows no attention on the way to the answer"
    if any(shape[0] != images for shape in shapes):
        return "attends within windows"
    if cross := [shape for shape in shapes if shape[1] != shape[2]]:
        return f"has a layer in which {cross[0][1]} tokens read {cross[0][2]} others"
    counts = {shape[1] for shape in shapes}
    return f"has from {min(counts)} to {max(counts)} tokens" if len(counts) > 1 else None


def _on_grid(net: Network, images: Inputs, tokens: Float[Tensor, "batch token 1"]) -> Maps:
    """One value per token, at its place in the image."""
    told = None if net.grid is None else AsTold(net.grid, len(images), f"the attention of {net.name}")
    read = told or reading_of(net, images, tokens.shape[1:])
    if not read.on_grid:
        raise _refusal(net, f"has {tokens.shape[1]} tokens, which fill no grid over the image")
    return read(tokens)


def _refusal(net: Network, obstacle: str) -> MethodError:
    return MethodError(
        f"attention rollout needs attention among all tokens of an image, the same in every layer; {net.name} "
        f"{obstacle}. GradCAM works for any layer with a grid"
    )
