"""Sample photographs, which come with libraries that this one needs."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ..errors import ImageError

_PREFIX = "sample:"


@dataclass(frozen=True)
class Sample:
    """A photograph in an installed package: what it shows, and where it lies."""

    shows: str
    package: str
    file: str


SAMPLES = {
    "cat": Sample("a cat's face: several classes of cats compete", "skimage", "data/chelsea.png"),
    "coffee": Sample("a cup of espresso with a spoon", "skimage", "data/coffee.png"),
    "flower": Sample("a dahlia, which ImageNet has no class for", "sklearn", "datasets/images/flower.jpg"),
    "palace": Sample("a Chinese palace in a garden", "sklearn", "datasets/images/china.jpg"),
    "motorcycle": Sample("a motorcycle in a workshop", "skimage", "data/motorcycle_left.png"),
    "cameraman": Sample("a man with a camera on a tripod, in grey", "skimage", "data/camera.png"),
    "officer": Sample("Grace Hopper in uniform", "matplotlib", "mpl-data/sample_data/grace_hopper.jpg"),
}
"""The sample photographs by their names: `sample:cat` stands wherever the path of an image may."""


def located(path: str | Path) -> Path:
    """The file that a path means: that of a sample photograph for `sample:NAME`, else itself.

    Raises:
        ImageError: there is no such sample, or the package that holds it lies in no folder.
    """
    name = str(path)
    if not name.startswith(_PREFIX):
        return Path(path)
    sample = SAMPLES.get(name.removeprefix(_PREFIX))
    if sample is None:
        known = ", ".join(_PREFIX + each for each in SAMPLES)
        raise ImageError(f"the sample photographs are {known}; got {name!r}", kind="missing", path=Path(name))
    spec = find_spec(sample.package)
    if spec is None or not spec.submodule_search_locations:
        raise ImageError(
            f"{name!r} comes with the package {sample.package}, which is not installed here; use a photograph of yours",
            kind="missing",
            path=Path(name),
        )
    return Path(spec.submodule_search_locations[0], sample.file)
