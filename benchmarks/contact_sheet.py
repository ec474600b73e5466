"""One sheet with samples of every imaging modality: `python benchmarks/contact_sheet.py sheet.png`."""

import argparse
import pkgutil
from importlib import import_module
from pathlib import Path
from random import Random

from PIL import Image, ImageDraw

from medgym_core.imaging import modalities

SAMPLES = 4  # a modality
CELL = 140  # pixels, room for the largest picture and its name


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    names = sorted(m.name for m in pkgutil.iter_modules(modalities.__path__))
    found = [(n, import_module(f"{modalities.__name__}.{n}")) for n in names]
    found = [(n, m) for n, m in found if hasattr(m, "draw")]
    columns = 2
    sheet = Image.new("RGB", (columns * SAMPLES * CELL, -(-len(found) // columns) * (CELL + 14)), "white")
    pen = ImageDraw.Draw(sheet)
    for i, (name, modality) in enumerate(found):
        left, top = i % columns * SAMPLES * CELL, i // columns * (CELL + 14)
        pen.text((left + 4, top + 1), name.replace("_", " "), fill="black")
        for k in range(SAMPLES):
            rng = Random(f"{name}/{k}")
            picture = Image.fromarray(modality.draw(rng, modality.sample(rng))).convert("RGB")
            picture.thumbnail((CELL - 8, CELL))
            sheet.paste(picture.convert("RGB"), (left + k * CELL + 4, top + 14))
    sheet.quantize(128).save(parser.parse_args().out, optimize=True)


if __name__ == "__main__":
    main()
