"""The callbacks record at the trainers' global steps, once each."""

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from innerview.recording.probes import FilterImages
from innerview.recording.recording import open_recording

ALWAYS = range(1, 99)


def lightning_run(folder: Path, steps: int, **settings: object) -> nn.Module:
    lightning = pytest.importorskip("lightning.pytorch")
    from innerview.recording.lightning import LightningRecorder

    class Lit(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Linear(3, 2)

        def training_step(self, batch: list, _: int) -> torch.Tensor:
            return nn.functional.cross_entropy(self.net(batch[0]), batch[1])

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    data = DataLoader(TensorDataset(torch.randn(8, 3), torch.randint(0, 2, (8,))), batch_size=2)
    quiet = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    trainer = lightning.Trainer(
        max_steps=steps,
        accelerator="cpu",
        callbacks=[LightningRecorder([FilterImages("net")], out=folder, at=ALWAYS)],
        **quiet,
        **settings,
    )
    module = Lit()
    trainer.fit(module, data)
    return module


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("settings", [{}, {"accumulate_grad_batches": 2}])
def test_lightning_counts_steps_of_the_optimizer(tmp_path, settings) -> None:
    module = lightning_run(tmp_path, 3, **settings)
    recording = open_recording(tmp_path)
    assert recording.iterations == (0, 1, 2, 3)
    assert torch.equal(recording[3].measured[0]["kernels"][:, :, 0, 0], module.net.weight)
    assert not torch.equal(recording[2].measured[0]["kernels"][:, :, 0, 0], module.net.weight)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("accumulated", [1, 2])
def test_transformers_counts_steps_of_the_optimizer(tmp_path, accumulated) -> None:
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    from innerview.recording.transformers import TransformersRecorder

    class Scored(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Linear(3, 2)

        def forward(self, x: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
            logits = self.net(x)
            return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}

    module = Scored()
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path / "trainer"),
        max_steps=3,
        per_device_train_batch_size=2,
        gradient_accumulation_steps=accumulated,
        report_to=[],
        save_strategy="no",
        use_cpu=True,
        disable_tqdm=True,
    )
    data = [{"x": torch.randn(3), "labels": index % 2} for index in range(8)]
    callback = TransformersRecorder([FilterImages("net")], out=tmp_path / "run", at=ALWAYS)
    transformers.Trainer(module, arguments, train_dataset=data, callbacks=[callback]).train()
    recording = open_recording(tmp_path / "run")
    assert recording.iterations == (0, 1, 2, 3)
    assert callback.recorder is not None
    assert torch.equal(recording[3].measured[0]["kernels"][:, :, 0, 0], module.net.weight.cpu())


@pytest.mark.parametrize(
    ("library", "sentence"),
    [
        (
            "lightning",
            "LightningRecorder needs the library lightning; install it with: pip install 'innerview[lightning]'",
        ),
        (
            "transformers",
            'TransformersRecorder needs the library transformers; install it with: pip install "innerview[hf]"',
        ),
    ],
)
def test_a_missing_library_is_one_sentence(monkeypatch, library, sentence) -> None:
    import importlib
    import sys

    for name in [name for name in sys.modules if name.partition(".")[0] == library]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, f"innerview.recording.{library}", raising=False)
    with pytest.raises(ImportError) as caught:
        importlib.import_module(f"innerview.recording.{library}")
    assert str(caught.value) == sentence
