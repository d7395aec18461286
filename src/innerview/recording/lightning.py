"""Recording a training run of Lightning."""

from collections.abc import Sequence
from typing import Any

from .probes import Probe
from .recorder import Recorder

try:
    from lightning.pytorch import Callback, LightningModule, Trainer
except ImportError as error:
    raise ImportError(
        "LightningRecorder needs the library lightning; install it with: pip install 'innerview[lightning]'"
    ) from error


class LightningRecorder(Callback):
    """A `Recorder` that steps with the trainer: `Trainer(callbacks=[LightningRecorder(probes, out="run/")])`.

    Iterations are the trainer's global steps, so accumulated gradients count once. A run that starts from a
    checkpoint goes on with the recording in its folder. The layers that probes name are those of the
    LightningModule.

    Args:
        probes: what to follow.
        settings: `out`, `at` and `start` of `Recorder`.

    Attributes:
        recorder: the recorder, once training has begun.
    """

    def __init__(self, probes: Sequence[Probe], **settings: Any) -> None:
        self.recorder: Recorder | None = None
        self._probes, self._settings = probes, settings

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        start = {"start": trainer.global_step} if trainer.global_step else {}
        self.recorder = Recorder(pl_module, self._probes, **{**start, **self._settings})

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if self.recorder is not None:
            self.recorder.step(trainer.global_step)
