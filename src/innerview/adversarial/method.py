"""What every attack is: a frozen dataclass of settings that moves pixels by steps."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from ..errors import SettingError
from .pixels import Pixels
from .point import Point


@dataclass(frozen=True)
class AttackMethod(ABC):
    """A way to change an image a little so that the network answers differently.

    To write one, implement `rounds` and `moved`; lengths are in pixels of 0–1.
    """

    @property
    @abstractmethod
    def rounds(self) -> int:
        """The number of steps at most; an image that has reached its goal stops before."""

    @abstractmethod
    def moved(self, point: Point, number: int) -> Pixels:
        """The pixels after step `number`, counted from 0, within 0–1.

        What an image becomes depends on that image alone.
        """


def require_steps(steps: int) -> None:
    """Refuse a number of steps that is none."""
    if steps < 1:
        raise SettingError(f"steps is a number of steps, at least 1; got {steps}")


def require_length(name: str, value: float) -> None:
    """Refuse a length that is none; `nan` is none either."""
    if not 0 <= value < float("inf"):
        raise SettingError(f"{name} is a length in pixels of 0–1, at least 0; got {value}")
