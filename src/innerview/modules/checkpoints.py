"""Networks that forget what they computed and compute it again on the way back (`torch.utils.checkpoint`)."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch.autograd.graph import disable_saved_tensors_hooks
from torch.utils.checkpoint import CheckpointError

from ..errors import MethodError

_REFUSED = "innerview looks at a network without checkpoints here"


@contextmanager
def checkpoints_explained(network: str) -> Iterator[None]:
    """Within the block gradients go back; where checkpoints do not let them pass, `MethodError` says so."""
    try:
        yield
    except CheckpointError as error:
        raise MethodError(
            f"gradients cannot start within what {network} forgets and computes again (torch.utils.checkpoint); name a "
            "layer outside, or switch its checkpointing off"
        ) from error
    except RuntimeError as error:
        if "use_reentrant=True" not in str(error):
            raise
        raise MethodError(
            f"gradients with respect to the input do not pass checkpoints with use_reentrant=True, and {network} has "
            "some; give them use_reentrant=False, or switch its checkpointing off"
        ) from error


@contextmanager
def checkpoints_refused(network: str) -> Iterator[None]:
    """`MethodError` if a network has checkpoints in the block.

    For ways back that are not those of the operations: what is computed again would be kept for other ones, and
    PyTorch tells the difference by the shapes only.
    """
    try:
        with disable_saved_tensors_hooks(_REFUSED):
            yield
    except RuntimeError as error:
        if str(error) != _REFUSED:
            raise
        raise MethodError(
            f"LRP needs each value as it was computed, and {network} forgets some and computes them again "
            "(torch.utils.checkpoint); switch its checkpointing off"
        ) from error
