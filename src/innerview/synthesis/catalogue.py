"""The one list of priors: the command line, the docs and the contract tests read it."""

from .priors import L1, L2, EdgeEnergy, Prior, TotalVariation

PRIORS: dict[str, type[Prior]] = {
    "edgeenergy": EdgeEnergy,
    "totalvariation": TotalVariation,
    "l1": L1,
    "l2": L2,
}
