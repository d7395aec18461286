"""What every result shares: where it comes from, how it is written to a file and read, how it prints.

A result is a frozen dataclass that extends `Result`: its fields are tensors, plain values, mappings and tuples of
these, other results, and its `Provenance`. That is all it takes to be saved, read and printed.
"""

from .codec import read_as as read_as
from .provenance import Provenance as Provenance
from .provenance import versions as versions
from .result import Result as Result
