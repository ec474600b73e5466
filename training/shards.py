"""Named tensors on disk, in safetensors only: whole in one file, or cut by rows over several processes' files.

A shard's file says in its metadata, under `rows`, where its part of each cut tensor begins and how many rows the whole
has. What is not cut stands in the first process's file. `Stored` reads a set tensor by tensor, always whole, so that
one set of files serves any number of processes and never stands in memory at once.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch.distributed.tensor import DTensor, Shard

from medgym_core.errors import MedGymError
from training.ranks import Ranks

ROWS = "rows"
_NAME = re.compile(r"(?P<set>.+?)(\.rank-(?P<rank>\d+)-of-\d+)?\.safetensors")


def write_set(folder: Path, name: str, values: Mapping[str, torch.Tensor], ranks: Ranks) -> None:
    """This process's file of a set of tensors: all of them where it is alone, else its shards."""
    if ranks.size == 1:
        save_file({k: v.detach().contiguous().clone() for k, v in values.items()}, folder / f"{name}.safetensors")
        return
    parts, rows = {}, {}
    for key, value in values.items():
        if isinstance(value, DTensor):
            parts[key], rows[key] = value.detach().to_local().cpu().contiguous().clone(), _rows(value, ranks)
        elif ranks.first:
            parts[key] = value.detach().cpu().contiguous().clone()
    path = folder / f"{name}.rank-{ranks.index}-of-{ranks.size}.safetensors"
    save_file(parts, path, metadata={ROWS: json.dumps(rows)})


def writer_of(file: str) -> int:
    """The process that writes a file of that name."""
    match = _NAME.fullmatch(file)
    return int(match["rank"] or 0) if match else 0


def stored_sets(folder: Path) -> dict[str, "Stored"]:
    """The sets of tensors in a folder, by name."""
    files: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*.safetensors")):
        match = _NAME.fullmatch(path.name)
        assert match is not None  # the pattern takes any such name
        files.setdefault(match["set"], []).append(path)
    return {name: Stored(*paths) for name, paths in files.items()}


class Stored(Mapping[str, torch.Tensor]):
    """The whole tensors of a set, read when asked for, on the CPU."""

    def __init__(self, *files: Path):
        self._parts: dict[str, list[tuple[int, int, Path]]] = {}  # (first row, rows of the whole, file)
        for path in files:
            with safe_open(path, "pt") as opened:
                rows = json.loads((opened.metadata() or {}).get(ROWS, "{}"))
                for key in opened.keys():
                    self._parts.setdefault(key, []).append((*rows.get(key, (0, -1)), path))

    def __getitem__(self, key: str) -> torch.Tensor:
        """Raises MedGymError when parts of it are missing."""
        found = []
        for _, _, path in sorted(self._parts[key]):
            with safe_open(path, "pt") as opened:
                found.append(opened.get_tensor(key))
        total = self._parts[key][0][1]
        if total < 0:
            return found[0]
        tensor = torch.cat(found)
        if len(tensor) != total:
            raise MedGymError(
                "a tensor lacks parts", got=f"{len(tensor)} rows", expected=total, where=self._parts[key][0][2]
            )
        return tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)


def _rows(value: DTensor, ranks: Ranks) -> tuple[int, int]:
    """First row of this process's part and rows of the whole: the parts are of equal size but for the last ones."""
    if tuple(value.placements) != (Shard(0),):
        raise MedGymError("a tensor cut otherwise than by rows", got=value.placements, expected="Shard(0)")
    total = value.shape[0]
    return min(total, ranks.index * -(-total // ranks.size)), total
