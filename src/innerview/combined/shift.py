"""How an attack moves the explanation: the same question about the image before and after."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from ..adversarial.result import Attack
from ..attribution.method import Attribution, Method
from ..network.network import Network, require_network
from ..network.provenance import provenance
from ..objectives import Question
from ..results import Provenance, Result


@dataclass(frozen=True, eq=False, repr=False)
class Shift(Result):
    """Where the answer comes from before an attack and after it.

    Attributes:
        before, after: the attributions of the images as they were, and as the attack left them.
        provenance: the network, the question, the method that explains, the attack.
    """

    before: Attribution
    after: Attribution
    provenance: Provenance

    @property
    def similarity(self) -> Float[Tensor, "batch"]:
        """The cosine between the two heatmaps of each image: 1 if the explanation stayed.

        Of signed maps it is 0 or less if nothing is left; magnitudes that have nothing in common keep some of it, as
        none of them is below zero.
        """
        maps = (each.heatmap().flatten(1) for each in (self.before, self.after))
        return torch.cosine_similarity(*maps, dim=1)


def shift(net: Network, attack: Attack, method: Method, objective: Question | None = None) -> Shift:
    """How an attack moves the explanation of a question, by default of each image's class before it.

    Args:
        net: the network that was attacked; it is not changed.
        attack: what the attack gave.
        method: how to explain.
        objective: what is asked of both, as a method takes it.
    """
    require_network(net)
    asked = attack.first_classes if objective is None else objective
    before, after = method(net, attack.inputs, asked), method(net, attack.adversarial, asked)
    origin = provenance(net, "shift", before.provenance.objective, explained=method, attack=attack.provenance.how)
    return Shift(before, after, replace(origin, asked=before.provenance.asked))
