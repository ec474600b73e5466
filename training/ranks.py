"""The processes of one training run: who does what, and sums over all. `ALONE` is one process without any set-up.

Every process knows all episodes and all items of a step, so that advantages, denominators and shares are computed from
the whole batch everywhere; forward and backward passes are divided (`assign`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch.distributed as dist


@dataclass(frozen=True)
class Ranks:
    """This process among `size` equal ones; collectives of one process do nothing."""

    index: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this process writes files and logs."""
        return self.index == 0

    def gather(self, mine: Sequence[Any]) -> list[Any]:
        """The objects of all processes, in order of rank."""
        if self.size == 1:
            return list(mine)
        found: list[Any] = [None] * self.size
        dist.all_gather_object(found, list(mine))
        return [value for values in found for value in values]

    def sums(self, values: Mapping[str, float]) -> dict[str, float]:
        """Each value summed over the processes; a name that one of them lacks counts 0 there."""
        total: dict[str, float] = {}
        for one in self.gather([dict(values)]):
            for name, value in one.items():
                total[name] = total.get(name, 0.0) + value
        return total

    def tell(self, value: Any) -> Any:
        """What the first process says."""
        return self.gather([value])[0]

    def wait(self) -> None:
        """Until all processes have come here."""
        self.gather([None])

    def most(self, value: int) -> int:
        """The largest value of any process."""
        return max(self.gather([value]))

    def assign(self, lengths: Sequence[int]) -> list[bool]:
        """Which of the sequences this process computes: the longest first, each to whoever has least."""
        load = [0] * self.size
        owner = [0] * len(lengths)
        for i in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
            owner[i] = load.index(min(load))
            load[owner[i]] += lengths[i]
        return [o == self.index for o in owner]


ALONE = Ranks()
