"""The one list of attacks: the command line, the docs and the contract tests read it."""

from .deepfool import DeepFool
from .gradient_steps import FGSM, PGD, GradientAscent, PlainAscent
from .method import AttackMethod

ATTACKS: dict[str, type[AttackMethod]] = {
    "gradientascent": GradientAscent,
    "plainascent": PlainAscent,
    "fgsm": FGSM,
    "pgd": PGD,
    "deepfool": DeepFool,
}
