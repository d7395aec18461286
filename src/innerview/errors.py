"""Every error that innerview raises on purpose.

    InnerviewError            catch this one to catch them all
    ├── LoadError             a name or a file did not become a network
    │   ├── CheckpointError   a weights file is broken or does not fit the architecture
    │   │   └── UnsafeCheckpointError   reading it would run code hidden in the file
    │   └── DownloadError     something had to be fetched and could not be
    ├── ImageError            a file or an array is not an image that can be used
    ├── NetworkError          a module cannot be looked at, or gave an output that is no score
    ├── LayerError            a layer address does not exist or does not fit the question
    ├── LabelError            a class name or index does not exist or is ambiguous
    ├── ObjectiveError        a question is none, or does not fit the network or the images
    ├── MethodError           a way of looking cannot be applied to this network
    ├── SettingError          a setting is outside its range
    └── ResultError           a saved result is broken or of another kind

A message states the rule, what came instead, and what to do about it.
"""

from pathlib import Path


class InnerviewError(Exception):
    """The root of all errors raised on purpose; the command line shows them as one sentence."""


class LoadError(InnerviewError):
    """A name or a file did not become a network."""


class CheckpointError(LoadError):
    """A weights file is broken or does not fit the architecture."""


class UnsafeCheckpointError(CheckpointError):
    """Reading the weights file would run code that is hidden in it."""


class DownloadError(LoadError):
    """Something had to be fetched and could not be."""


class ImageError(InnerviewError):
    """A file or an array is not an image that can be used.

    `kind` is a word for the reason (`"missing"`, `"format"`, `"truncated"`, `"too large"`, …) and
    `path` the file, if it was one.
    """

    def __init__(self, message: str, *, kind: str, path: Path | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.path = path


class NetworkError(InnerviewError):
    """A module cannot be looked at, or gave an output that is no score."""


class LayerError(InnerviewError):
    """A layer address does not exist or does not fit the question."""


class LabelError(InnerviewError):
    """A class name or index does not exist or is ambiguous."""


class ObjectiveError(InnerviewError):
    """A question is none, or does not fit the network or the images."""


class MethodError(InnerviewError):
    """A way of looking cannot be applied to this network."""


class SettingError(InnerviewError):
    """A setting is outside its range."""


class ResultError(InnerviewError):
    """A saved result is broken or of another kind."""
