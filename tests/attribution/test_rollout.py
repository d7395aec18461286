"""Attention rollout against loops over tokens, and the attention it sees against what the networks say of theirs.

Captum, pytorch-grad-cam, torchcam and zennit have no attention rollout; the attention is compared with that which
torchvision, timm and transformers give out themselves.
"""

from collections.abc import Callable

import numpy as np
import pytest
import timm
import torch
import torchvision
import transformers
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

import innerview as iv
from innerview.attribution.rollout import AttentionRollout
from innerview.modules.attention import Attention, AttentionTracer
from small_networks import PIXELS, SmallCNN, TinyViT, images, network

SIXTEEN = iv.Preprocess(size=16)


class Block(nn.Module):
    """Attention written out, or by the fused kernel; `seen` holds what was written out."""

    def __init__(self, fused: bool, sharpness: float = 1.0) -> None:
        super().__init__()
        self.qkv, self.mlp, self.norm = nn.Linear(8, 24), nn.Linear(8, 8), nn.LayerNorm(8)
        self.fused, self.sharpness, self.seen = fused, sharpness, None

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(self.norm(x)).unflatten(2, (3, 2, 4)).permute(2, 0, 3, 1, 4)
        if self.fused:
            mixed = functional.scaled_dot_product_attention(q, k, v, scale=self.sharpness)
        else:
            self.seen = (self.sharpness * q @ k.transpose(2, 3)).softmax(3)
            mixed = self.seen @ v
        x = x + mixed.transpose(1, 2).flatten(2)
        return x + torch.tanh(self.mlp(x))


class HandViT(nn.Module):
    """2 × 4 patches behind `prefix` other tokens; the head reads the tokens in `read`."""

    def __init__(self, read: slice, prefix: int = 1, fused: bool = False, sharpness: float = 1.0) -> None:
        super().__init__()
        self.patches, self.before = nn.Conv2d(3, 8, 4, stride=4), nn.Parameter(torch.randn(1, prefix, 8))
        self.blocks = nn.Sequential(*(Block(fused, sharpness) for _ in range(3)))
        self.norm, self.head, self.read = nn.LayerNorm(8), nn.Linear(8, 5), read

    def forward(self, x: Tensor) -> Tensor:
        tokens = torch.cat([self.before.expand(len(x), -1, -1), self.patches(x).flatten(2).transpose(1, 2)], 1)
        return self.head(self.norm(self.blocks(tokens))[:, self.read].mean(1))


def wide(count: int = 2) -> Tensor:
    return torch.randn(count, 3, 8, 16, generator=torch.Generator().manual_seed(5))


def retained(net: iv.Network, x: Tensor, score: Callable[[Tensor], Tensor]) -> list[tuple[np.ndarray, np.ndarray]]:
    """The written-out attention of each layer and its gradient, by autograd on the tensors the blocks kept."""
    scores = score(net.module.eval()(x.clone().requires_grad_()))
    seen = [block.seen for block in net.module.blocks]
    gradients = torch.autograd.grad(scores.sum(), seen)
    return [(a.detach().double().numpy(), g.double().numpy()) for a, g in zip(seen, gradients, strict=True)]


def by_loops(
    layers: list[tuple[np.ndarray, np.ndarray]], image: int, read: slice, gradient: bool, heads: str = "mean"
) -> np.ndarray:
    """The published recursion on whole matrices, one entry after the other."""
    fuse = {"mean": lambda values: sum(values) / len(values), "max": max, "min": min}[heads]
    tokens = layers[0][0].shape[2]
    relevance = np.eye(tokens)
    for attention, slope in layers:
        step = np.zeros((tokens, tokens))
        for query in range(tokens):
            for key in range(tokens):
                shares = [float(head[query, key]) for head in attention[image]]
                slopes = [float(head[query, key]) for head in slope[image]]
                if gradient:
                    step[query, key] = fuse([max(0.0, a * g) for a, g in zip(shares, slopes, strict=True)])
                else:
                    step[query, key] = 0.5 * fuse(shares) + 0.5 * (query == key)
            if not gradient:
                step[query] /= step[query].sum()
        relevance = relevance + step @ relevance if gradient else step @ relevance
    return relevance[read].mean(0)[-8:].reshape(2, 4)


@pytest.mark.parametrize("gradient", [False, True])
@pytest.mark.parametrize(
    ("prefix", "read"),
    [(1, slice(0, 1)), (2, slice(0, 2)), (0, slice(None)), (1, slice(1, None)), (1, slice(None))],
    ids=["class token", "class and distillation token", "patches", "patches, not the class token", "all tokens"],
)
def test_it_is_the_published_recursion_read_where_the_head_reads(prefix: int, read: slice, gradient: bool) -> None:
    net, x = network(HandViT(read, prefix)), wide()
    layers = retained(net, x, lambda scores: scores[:, 2])
    expected = np.stack([by_loops(layers, image, read, gradient) for image in range(2)])
    values = AttentionRollout(gradient=gradient)(net, x, iv.Logit(2)).values
    torch.testing.assert_close(values[:, 0].double(), torch.tensor(expected), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("gradient", [False, True])
@pytest.mark.parametrize("heads", ["max", "min"])
def test_heads_become_one_as_asked(heads: str, gradient: bool) -> None:
    net, x = network(HandViT(slice(0, 1))), wide(1)
    layers = retained(net, x, lambda scores: scores[:, 2])
    values = AttentionRollout(gradient=gradient, heads=heads)(net, x, iv.Logit(2)).values[0, 0]
    expected = torch.tensor(by_loops(layers, 0, slice(0, 1), gradient, heads))
    torch.testing.assert_close(values.double(), expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("gradient", [False, True])
def test_a_fused_kernel_gives_what_the_written_out_softmax_gives(gradient: bool) -> None:
    method, x = AttentionRollout(gradient=gradient), wide()
    values = [method(network(HandViT(slice(0, 1), fused=f)), x, iv.Logit(1)).values for f in (False, True)]
    torch.testing.assert_close(values[0], values[1], rtol=1e-4, atol=1e-7)


def test_the_plain_form_is_the_same_for_every_class_and_the_other_is_not() -> None:
    net, x = network(HandViT(slice(0, 1))), wide()
    plain = [AttentionRollout()(net, x, iv.Logit(label)).values for label in (0, 3)]
    weighted = [AttentionRollout(gradient=True)(net, x, iv.Logit(label)).values for label in (0, 3)]
    assert torch.equal(*plain)
    assert not torch.allclose(*weighted)


def test_plain_values_over_all_tokens_add_up_to_one() -> None:
    net = network(HandViT(slice(None), prefix=0))
    total = AttentionRollout()(net, wide(), iv.Logit(1)).values.sum((1, 2, 3))
    torch.testing.assert_close(total, torch.ones(2))


def test_uniform_attention_of_a_class_token_is_rolled_out_in_closed_form() -> None:
    """With A = 1/9 everywhere, (A + I)/2 to the third sends the share (1 − 1/8) / 9 to each other token."""
    values = AttentionRollout()(network(HandViT(slice(0, 1), sharpness=0.0)), wide(), iv.Logit(1)).values
    torch.testing.assert_close(values, torch.full((2, 1, 2, 4), (1 - 0.5**3) / 9))


def test_attention_of_each_token_to_itself_leads_nowhere_else() -> None:
    """Tokens far apart, each reading itself: nothing reaches the class token, all patches keep their share."""

    class Own(HandViT):
        def forward(self, x: Tensor) -> Tensor:
            tokens = 50 * torch.eye(9, 8)[None].repeat(len(x), 1, 1) + 0 * x.mean()
            for _ in range(2):
                own = torch.cat([tokens, torch.eye(9)[:, 8:].expand(len(x), -1, -1) * 50], 2)
                tokens = tokens + functional.scaled_dot_product_attention(own, own, own)[..., :8]
            return self.head(tokens[:, self.read].mean(1))

    class_token = network(Own(slice(0, 1)))
    class_token.grid = pooled_grid = lambda tokens: tokens[:, 1:].transpose(1, 2).unflatten(2, (2, 4))
    assert AttentionRollout()(class_token, wide(), iv.Logit(1)).values.abs().max() == 0
    pooled = network(Own(slice(1, None)))
    pooled.grid = pooled_grid
    torch.testing.assert_close(AttentionRollout()(pooled, wide(), iv.Logit(1)).values, torch.full((2, 1, 2, 4), 1 / 8))


def test_a_question_about_a_layer_goes_back_from_there() -> None:
    net, x = network(HandViT(slice(0, 1))), wide()
    layers = retained(net, x, lambda scores: scores[:, 2])
    expected = [by_loops(layers[:2], image, slice(4, 5), gradient=False) for image in range(2)]
    values = AttentionRollout()(net, x, iv.Neuron("blocks.1", 3, 4)).values
    torch.testing.assert_close(values[:, 0].double(), torch.tensor(np.stack(expected)), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("gradient", [False, True])
def test_a_batch_is_a_loop_of_singles(gradient: bool) -> None:
    net, x, method = network(TinyViT()), images(3), AttentionRollout(gradient=gradient)
    asked = [iv.Logit(0), iv.Probability(1), iv.Neuron("block", 2)]
    together = method(net, x, asked).values
    apart = torch.cat([method(net, x[[i]], asked[i]).values for i in range(3)])
    torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-7)


def traced(module: nn.Module, x: Tensor, score: Callable[[Tensor], Tensor]) -> list[Attention]:
    """What the tracer sees, the first layer first."""
    seen: list[Attention] = []
    x = x.clone().requires_grad_()
    with AttentionTracer(len(x), seen.append):
        torch.autograd.grad(score(module.eval()(x)).sum(), x)
    return seen[::-1]


def thin(fused: bool = True, **settings: object) -> nn.Module:
    module = timm.models.VisionTransformer(
        img_size=16, patch_size=4, embed_dim=12, depth=2, num_heads=2, num_classes=5, **settings
    )
    for block in module.blocks:
        block.attn.fused_attn = fused
    return network(module).module


def test_the_attention_seen_in_timm_is_that_of_its_layers() -> None:
    said, x = [], images(2, size=16)
    module = thin(fused=False)
    for block in module.blocks:
        block.attn.attn_drop.register_forward_hook(lambda _module, inputs, _output: said.append(inputs[0].detach()))
    module.eval()(x)
    expected = [each.clone() for each in said]
    with sdpa_kernel(SDPBackend.MATH):
        by_math = traced(thin(), x, lambda scores: scores[:, 1])
    seen = [traced(thin(fused), x, lambda scores: scores[:, 1]) for fused in (True, False)]
    for layers in (*seen, by_math):
        for layer, probabilities, first in zip(layers, expected, seen[1], strict=True):
            torch.testing.assert_close(layer.probabilities, probabilities)
            torch.testing.assert_close(layer.gradients, first.gradients, rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
def test_the_attention_seen_in_transformers_is_what_it_gives_out(implementation: str) -> None:
    config = transformers.ViTConfig(
        hidden_size=12,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=24,
        image_size=16,
        patch_size=4,
        num_labels=5,
        attn_implementation="eager",
    )
    net, x = network(transformers.ViTForImageClassification(config)), images(2, size=16)
    said = net.module.eval()(x, output_attentions=True).attentions
    net.module.set_attn_implementation(implementation)
    seen = traced(net.module, x, lambda output: output.logits[:, 1])
    for layer, probabilities in zip(seen, said, strict=True):
        torch.testing.assert_close(layer.probabilities, probabilities.detach())
    assert AttentionRollout()(net, x, iv.Logit(1)).values.shape == (2, 1, 4, 4)


@pytest.mark.parametrize("weights", [False, True], ids=["fused", "written out"])
def test_the_attention_seen_in_torchvision_is_what_it_gives_out(weights: bool) -> None:
    """Asked for its weights, `nn.MultiheadAttention` keeps images and heads in one axis."""
    net = network(torchvision.models.VisionTransformer(16, 4, 2, 2, 12, 24, num_classes=5))
    module, x, inputs = net.module.eval(), images(3, size=16), []
    layers = [each for each in module.modules() if isinstance(each, nn.MultiheadAttention)]

    def ask(_layer: nn.Module, args: tuple, kwargs: dict) -> tuple:
        inputs.append([each.detach() for each in args])
        return args, kwargs | {"need_weights": weights}

    hooks = [layer.register_forward_pre_hook(ask, with_kwargs=True) for layer in layers]
    seen = traced(module, x, lambda scores: scores[:, 1])
    for layer, hook, each, attention in zip(layers, hooks, inputs, seen, strict=True):
        hook.remove()
        said = layer(*each, need_weights=True, average_attn_weights=False)[1]
        torch.testing.assert_close(attention.probabilities, said.detach())


@pytest.mark.parametrize("masking", ["additive", "boolean", "causal"])
def test_masks_of_fused_kernels_are_respected(masking: str) -> None:
    q, k, v = torch.randn(3, 2, 2, 5, 4, generator=torch.Generator().manual_seed(0)).unbind()
    keep = torch.ones(5, 5, dtype=torch.bool).tril()
    added = torch.where(keep, torch.linspace(-1, 1, 25).view(5, 5) * (masking == "additive"), -torch.inf)
    how = {"additive": {"attn_mask": added}, "boolean": {"attn_mask": keep}, "causal": {"is_causal": True}}[masking]
    seen: list[Attention] = []
    with AttentionTracer(2, seen.append):
        leaf = q.clone().requires_grad_()
        torch.autograd.grad(functional.scaled_dot_product_attention(leaf, k, v, **how).square().sum(), leaf)
    expected = (q @ k.mT / 2 + added).softmax(3).requires_grad_()
    (slope,) = torch.autograd.grad((expected @ v).square().sum(), expected)
    torch.testing.assert_close(seen[0].probabilities, expected.detach())
    torch.testing.assert_close(seen[0].gradients, slope)


@pytest.mark.parametrize(
    "settings",
    [
        {"reg_tokens": 4},
        {"class_token": False, "reg_tokens": 2, "global_pool": "avg"},
        {"global_pool": "avg"},
        {"class_token": False, "global_pool": "avg"},
    ],
)
def test_prefix_tokens_and_pooling_of_timm_are_found(settings: dict) -> None:
    """Where patches are averaged, only the patches' rows count, though a class token or registers are there."""
    module, x = thin(**settings), images(2, size=16)
    mixing = torch.eye(16 + module.num_prefix_tokens).expand(2, -1, -1)
    for layer in traced(module, x, lambda scores: scores[:, 1]):
        mixing = (layer.probabilities.mean(1) + torch.eye(mixing.shape[1])) / 2 @ mixing
    pooled = settings.get("global_pool") == "avg"
    read = slice(module.num_prefix_tokens, None) if pooled else slice(0, 1)
    expected = mixing[:, read].mean(1)[:, module.num_prefix_tokens :].view(2, 1, 4, 4)
    values = AttentionRollout()(iv.Network(module, SIXTEEN), x, iv.Logit(1)).values
    torch.testing.assert_close(values, expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("gradient", [False, True])
def test_precision_is_single_at_least(gradient: bool) -> None:
    method, x = AttentionRollout(gradient=gradient), wide()
    expected = method(network(HandViT(slice(0, 1), fused=True)), x, iv.Logit(1)).values
    for dtype, precise in ((torch.bfloat16, torch.float32), (torch.float64, torch.float64)):
        net = iv.Network(network(HandViT(slice(0, 1), fused=True)).module.to(dtype), PIXELS)
        values = method(net, x, iv.Logit(1)).values
        assert values.dtype == precise
        assert torch.cosine_similarity(values.float().flatten(), expected.flatten(), dim=0) > 0.97


class Pooling(HandViT):
    """Ends in a token of its own that reads all others."""

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.blocks(self.patches(x).flatten(2).transpose(1, 2))
        weights = (self.before @ tokens.transpose(1, 2)).softmax(-1)
        return self.head((weights[:, None] @ tokens[:, None])[:, 0, 0])


class Fewer(HandViT):
    """Drops the last patches on the way."""

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.blocks[0](self.patches(x).flatten(2).transpose(1, 2))
        return self.head(self.blocks[1](tokens[:, :6])[:, 0])


def swin() -> nn.Module:
    return torchvision.models.SwinTransformer([2, 2], 8, [1, 1], [2, 2], [2, 2], num_classes=5)


def ungridded() -> nn.Module:
    module = HandViT(slice(0, 1), prefix=60)
    module.before.data.normal_()
    return module


@pytest.mark.parametrize(
    ("make", "obstacle"),
    [
        (SmallCNN, "SmallCNN shows no attention on the way to the answer"),
        (swin, "SwinTransformer attends within windows"),
        (lambda: Pooling(slice(0, 1)), "Pooling has a layer in which 1 tokens read 8 others"),
        (lambda: Fewer(slice(0, 1)), "Fewer has from 6 to 8 tokens"),
        (ungridded, "HandViT has 68 tokens, which fill no grid over the image"),
    ],
)
def test_it_is_refused_where_attention_cannot_be_followed(make: Callable[[], nn.Module], obstacle: str) -> None:
    with pytest.raises(iv.InnerviewError) as caught:
        AttentionRollout()(network(make()), wide(), iv.Logit(1))
    assert str(caught.value) == (
        "attention rollout needs attention among all tokens of an image, the same in every layer; "
        f"{obstacle}. GradCAM works for any layer with a grid"
    )


@pytest.mark.usefixtures("unchecked_types")
def test_unknown_ways_to_fuse_heads_are_refused() -> None:
    with pytest.raises(iv.InnerviewError, match='heads is "mean", "max" or "min"; got \'median\''):
        AttentionRollout(heads="median")
