"""The zoo: one small network of each kind, made of the libraries' own classes, with random weights."""

from timm.layers import GatedMlp
from timm.models.byobnet import ByoBlockCfg, ByobNet, ByoModelCfg
from timm.models.convnext import ConvNeXt
from timm.models.levit import Levit
from timm.models.mlp_mixer import MlpMixer, SpatialGatingBlock
from timm.models.swin_transformer import SwinTransformer
from timm.models.tnt import TNT
from timm.models.vision_transformer import VisionTransformer
from timm.models.xcit import Xcit
from torch import nn
from transformers import (
    ConvNextConfig,
    ConvNextForImageClassification,
    ResNetConfig,
    ResNetForImageClassification,
    SwinConfig,
    SwinForImageClassification,
)

from zoo import own
from zoo.sentences import (
    ABOUT_CLASSES,
    CHECKPOINTS,
    INSIDE,
    NO_ATTENTION,
    NO_RELUS,
    NO_RULE,
    NO_SCORES,
    NOT_A_MEAN,
    SOME_TOKENS,
    WINDOWS,
)
from zoo.specimen import Specimen

CLASSES = 5
STAGES = {"embed_dim": 8, "depths": (2, 2), "num_heads": (1, 2), "window_size": 4}
TOKENS = {"patch_size": 8, "embed_dim": 16}


def swin() -> nn.Module:
    return SwinTransformer(32, 2, num_classes=CLASSES, **STAGES)


def swin_hf() -> nn.Module:
    return SwinForImageClassification(SwinConfig(image_size=32, patch_size=2, num_labels=CLASSES, **STAGES))


def convnext() -> nn.Module:
    return ConvNeXt(depths=(1, 1, 1, 1), dims=(8, 12, 16, 20), patch_size=2, kernel_sizes=3, num_classes=CLASSES)


def convnext_hf() -> nn.Module:
    sizes = {"num_stages": 3, "hidden_sizes": [8, 12, 16], "depths": [1, 1, 1], "patch_size": 2}
    return ConvNextForImageClassification(ConvNextConfig(num_labels=CLASSES, **sizes))


def vit() -> nn.Module:
    return VisionTransformer(32, depth=3, num_heads=2, reg_tokens=2, num_classes=CLASSES, **TOKENS)


def levit() -> nn.Module:
    return Levit(64, embed_dim=(16, 24), key_dim=4, depth=(1, 1), num_heads=(2, 3), num_classes=CLASSES)


def xcit() -> nn.Module:
    return Xcit(32, depth=1, num_heads=2, cls_attn_layers=1, num_classes=CLASSES, **TOKENS)


def mobilevit() -> nn.Module:
    attending = {"transformer_dim": 16, "transformer_depth": 1, "num_heads": 2, "patch_size": 2}
    blocks = (
        ByoBlockCfg(type="bottle", d=1, c=8, s=2),
        ByoBlockCfg(type="bottle", d=1, c=12, s=2),
        ByoBlockCfg(type="mobilevit", d=1, c=12, s=1, block_kwargs=attending),
    )
    return ByobNet(
        ByoModelCfg(blocks=blocks, stem_chs=8, stem_pool="", downsample="", act_layer="silu"), num_classes=CLASSES
    )


def tnt() -> nn.Module:
    return TNT(32, inner_dim=4, depth=2, num_heads_inner=2, num_heads_outer=2, num_classes=CLASSES, **TOKENS)


def resnet_hf() -> nn.Module:
    sizes = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "layer_type": "basic"}
    return ResNetForImageClassification(ResNetConfig(num_labels=CLASSES, **sizes))


def gmlp() -> nn.Module:
    gated = {"block_layer": SpatialGatingBlock, "mlp_layer": GatedMlp}
    return MlpMixer(CLASSES, 32, num_blocks=2, mlp_ratio=2, **gated, **TOKENS)


def mobileone() -> nn.Module:
    """Branches that can be merged into one convolution."""
    blocks = tuple(ByoBlockCfg(type="one", d=1, c=width, s=2, gs=0) for width in (8, 12))
    return ByobNet(ByoModelCfg(blocks=blocks, stem_type="one", stem_chs=8), num_classes=CLASSES)


def maps(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "bcyx")


def tokens(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "btc")


CONVOLUTIONS = {"attentionrollout": NO_ATTENTION}
LRP = {"lrp": NO_RULE}
CAM = {"cam": NOT_A_MEAN}
CLASSIFICATION_MAPS = ("gradcam", "gradcamplusplus", "hirescam", "layercam")
AT_THE_BODY = (*CLASSIFICATION_MAPS, "dictionary", "groups", "sharing")
OWN = maps("stem", "body") | {"head": "bc"}

ZOO: dict[str, Specimen] = {
    "plain": Specimen(own.plain, maps("conv1", "norm1", "relu2"), CONVOLUTIONS, fields=True),
    "clamped": Specimen(own.Clamped, OWN, CONVOLUTIONS, fields=True),
    "checkpointed": Specimen(
        own.Checkpointed, OWN, CONVOLUTIONS | {"lrp": CHECKPOINTS} | dict.fromkeys(AT_THE_BODY, INSIDE), fields=True
    ),
    "transposed": Specimen(own.Transposed, OWN, CONVOLUTIONS),
    "one number": Specimen(own.OneNumber, OWN, CONVOLUTIONS | CAM, fields=True),
    "other pools": Specimen(own.OtherPools, OWN, CONVOLUTIONS),
    "convolved": Specimen(own.Convolved, maps("stem", "body", "head"), CONVOLUTIONS, fields=True),
    "inceptive": Specimen(own.Inceptive, maps("stem", "block.branch2", "block"), CONVOLUTIONS, fields=True),
    "image to image": Specimen(
        own.ImageToImage,
        maps("stem", "body", "head"),
        CONVOLUTIONS | {"cam": ABOUT_CLASSES} | dict.fromkeys(("predict", "attack"), NO_SCORES),
        scores=False,
    ),
    "swin": Specimen(
        swin,
        {"patch_embed": "byxc", "layers.0.blocks.0.mlp": "btc", "norm": "byxc"},
        NO_RELUS | LRP | {"attentionrollout": WINDOWS},
        windows=("layers.0.blocks.0.attn",),
    ),
    "swin (hf)": Specimen(
        swin_hf,
        tokens("swin.embeddings", "swin.encoder.layers.0", "swin.layernorm"),
        NO_RELUS | LRP | {"attentionrollout": WINDOWS},
        windows=("swin.encoder.layers.0.blocks.0.attention",),
    ),
    "convnext": Specimen(
        convnext,
        {"stem": "bcyx", "stages.1.blocks.0.norm": "byxc", "stages.2": "bcyx"},
        CONVOLUTIONS | NO_RELUS | LRP | CAM,
        size=64,
        fields=True,
    ),
    "convnext (hf)": Specimen(
        convnext_hf,
        maps("convnext.embeddings", "convnext.encoder.stages.1", "convnext.encoder"),
        CONVOLUTIONS | NO_RELUS | LRP | CAM,
        fields=True,
    ),
    "vit": Specimen(vit, tokens("patch_embed", "blocks.1", "norm"), NO_RELUS | LRP | CAM),
    "levit": Specimen(
        levit,
        maps("stem") | tokens("stages.0", "stages.1"),
        NO_RELUS | LRP | CAM | {"attentionrollout": SOME_TOKENS},
        size=64,
    ),
    "xcit": Specimen(
        xcit,
        tokens("patch_embed", "blocks.0.local_mp", "norm"),
        NO_RELUS | LRP | CAM | {"attentionrollout": SOME_TOKENS},
    ),
    "mobilevit": Specimen(
        mobilevit,
        maps("stem", "stages.0", "stages.2"),
        NO_RELUS | LRP | {"attentionrollout": WINDOWS},
        windows=("stages.2.0.transformer",),
    ),
    "tnt": Specimen(
        tnt,
        tokens("norm1_proj", "blocks.0.attn_out", "norm"),
        NO_RELUS | LRP | CAM | {"attentionrollout": WINDOWS},
        windows=("pixel_embed", "blocks.0"),
    ),
    "resnet (hf)": Specimen(
        resnet_hf, maps("resnet.embedder", "resnet.encoder.stages.0", "resnet.encoder"), CONVOLUTIONS, fields=True
    ),
    "gmlp": Specimen(gmlp, tokens("stem", "blocks.0", "norm"), CONVOLUTIONS | NO_RELUS | LRP),
    "mobileone": Specimen(mobileone, maps("stem", "stages.0", "stages.1"), CONVOLUTIONS, fields=True),
}
