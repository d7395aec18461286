"""The question: a scalar that the network computes, asked of every image of a batch.

    why = Logit("African elephant")
    why = Logit("ox") - Logit("bison")
    why = Channel("features.28", 42) + 0.1 * Probability(386)

The same objective is attributed (where does it come from?), synthesised (what makes it largest?), searched for
(which images make it largest?) and attacked (what destroys it?).
"""

from .activations import Channel as Channel
from .activations import Direction as Direction
from .activations import LayerEnergy as LayerEnergy
from .activations import Maximum as Maximum
from .activations import Neuron as Neuron
from .catalogue import OBJECTIVES as OBJECTIVES
from .classes import Logit as Logit
from .classes import Probability as Probability
from .objective import Constant as Constant
from .objective import Objective as Objective
from .objective import Part as Part
from .objective import Product as Product
from .objective import Sum as Sum
from .per_image import PerImage as PerImage
from .question import Question as Question
from .question import as_objective as as_objective
from .question import each_objective as each_objective
from .text import parse_objective as parse_objective
from .text import parse_objectives as parse_objectives
