"""Recording a training run of the Trainer of transformers."""

from collections.abc import Sequence
from typing import Any

from .probes import Probe
from .recorder import Recorder

try:
    from transformers.trainer_callback import TrainerCallback, TrainerControl, TrainerState
    from transformers.training_args import TrainingArguments
except ImportError as error:
    raise ImportError(
        'TransformersRecorder needs the library transformers; install it with: pip install "innerview[hf]"'
    ) from error


class TransformersRecorder(TrainerCallback):
    """A `Recorder` that steps with the trainer: `Trainer(…, callbacks=[TransformersRecorder(probes, out="run/")])`.

    Iterations are the trainer's global steps, so accumulated gradients count once. A run that starts from a
    checkpoint goes on with the recording in its folder.

    Args:
        probes: what to follow.
        settings: `out`, `at` and `start` of `Recorder`.

    Attributes:
        recorder: the recorder, once training has begun.
    """

    def __init__(self, probes: Sequence[Probe], **settings: Any) -> None:
        self.recorder: Recorder | None = None
        self._probes, self._settings = probes, settings

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        start = {"start": state.global_step} if state.global_step else {}
        self.recorder = Recorder(kwargs["model"], self._probes, **{**start, **self._settings})

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if self.recorder is not None:
            self.recorder.step(state.global_step)
