"""What every attack is: a frozen dataclass of settings that moves pixels by steps."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from ..settings import Settings
from .pixels import Pixels01
from .point import Point


@dataclass(frozen=True)
class AttackMethod(Settings, ABC):
    """A way to change an image a little so that the network answers differently.

    To write one, implement `rounds` and `moved`; lengths are in pixels of 0–1.
    """

    @property
    @abstractmethod
    def rounds(self) -> int:
        """The number of steps at most."""

    @property
    def stops(self) -> bool:
        """Whether an image that has reached its goal is left as it is; if not, all take all steps."""
        return True

    @abstractmethod
    def moved(self, point: Point, number: int) -> Pixels01:
        """The pixels after step `number`, counted from 0.

        What an image becomes depends on that image alone.
        """
