"""DeepFool and PGD in the Euclidean norm, against foolbox."""

from typing import Any

import pytest
import torch
from torch import Tensor

import innerview as iv
from innerview.adversarial.attack import attack
from innerview.adversarial.deepfool import DeepFool
from innerview.adversarial.gradient_steps import PGD
from small_networks import PIXELS, SmallCNN, network


@pytest.fixture
def foolbox() -> Any:
    return pytest.importorskip("foolbox", reason="foolbox is not installed")


@pytest.fixture
def net() -> iv.Network:
    return iv.Network(network(SmallCNN()).module.double().eval(), PIXELS)


@pytest.fixture
def shown() -> Tensor:
    return 0.3 + 0.4 * torch.rand(6, 3, 8, 8, generator=torch.Generator().manual_seed(5), dtype=torch.float64)


def theirs(foolbox: Any, net: iv.Network) -> Any:
    return foolbox.PyTorchModel(net.module, bounds=(0, 1), device="cpu")


@pytest.mark.filterwarnings("ignore")
def test_deepfool_takes_the_same_way(foolbox: Any, net: iv.Network, shown: Tensor) -> None:
    """Foolbox makes each step longer by 1e-4."""
    ours = attack(net, shown, DeepFool(overshoot=0.05))
    peer = foolbox.attacks.L2DeepFoolAttack(overshoot=0.05)
    (expected,) = peer(theirs(foolbox, net), shown, net.logits(shown).argmax(1), epsilons=[None])[0]
    assert ours.success.all()
    assert ours.steps.max() > 1
    torch.testing.assert_close(ours.after, expected, rtol=0, atol=1e-4)
    torch.testing.assert_close(ours.distance, (expected - shown).flatten(1).norm(dim=1), rtol=0.01, atol=1e-3)
    assert ours.distance.min() > 0.01


@pytest.mark.filterwarnings("ignore")
def test_pgd_in_the_euclidean_norm_takes_the_same_way(foolbox: Any, net: iv.Network, shown: Tensor) -> None:
    """Towards a class that it does not reach, so that nobody stops early."""
    labels = net.logits(shown).argmax(1)
    peer = foolbox.attacks.L2PGD(abs_stepsize=0.02, steps=7, random_start=False)
    _, (expected,), reached = peer(theirs(foolbox, net), shown, labels, epsilons=[0.06])
    ours = attack(net, shown, PGD(0.06, 0.02, 7, norm="2", start="image"))
    assert not reached.all()
    still = ~ours.success
    torch.testing.assert_close(ours.after[still], expected[still], rtol=0, atol=1e-6)
    torch.testing.assert_close(ours.distance[still], torch.full((int(still.sum()),), 0.06).double())
