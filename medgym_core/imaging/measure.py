"""What modalities measure with. Everything is computed from pixels; lengths are pixels until a scale is applied.

A mask is bool (H, W). `objects` finds the connected parts of a mask (8-connected) with their sizes and shapes;
`shape_of` measures one mask as a whole; `scaled` turns pixels into millimetres, or leaves them out without a scale.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from medgym_core.imaging.draw import eighths


def luminance(pixels: np.ndarray) -> np.ndarray:
    """Brightness 0..255 as float32 (H, W): grey itself, of RGB the ITU-R BT.601 weights."""
    if pixels.ndim == 2:
        return pixels.astype(np.float32)
    red, green, blue = (pixels[..., i] * np.float32(w) for i, w in enumerate((0.299, 0.587, 0.114)))
    return red + green + blue


def otsu(values: np.ndarray) -> float:
    """The threshold that parts brightness values 0..255 best in two (Otsu 1979): dark is below it."""
    counts = np.bincount(values.astype(np.uint8).ravel(), minlength=256).astype(np.float64)
    below = np.cumsum(counts)
    total = below[-1]
    mass = np.cumsum(counts * np.arange(256))
    above = total - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (mass[-1] * below - total * mass) ** 2 / (below * above)
    between[~np.isfinite(between)] = -1
    best = np.flatnonzero(between >= between.max() - 1e-9)
    return float(best.mean()) + 1.0


@dataclass(frozen=True)
class Objects:
    """The connected parts of a mask, arrays of one entry a part, in order of their first pixel."""

    labels: np.ndarray
    """int32 (H, W): number of the part plus one, 0 outside."""
    area: np.ndarray
    """Pixels."""
    x: np.ndarray
    y: np.ndarray
    long: np.ndarray
    """Long axis of the ellipse with equal second moments, pixels."""
    short: np.ndarray

    def __len__(self) -> int:
        return len(self.area)

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Mean of an (H, W) array in each part."""
        return np.bincount(self.labels.ravel(), values.ravel(), len(self.area) + 1)[1:] / np.maximum(self.area, 1)

    def keep(self, chosen: np.ndarray) -> np.ndarray:
        """The mask of the chosen parts (bool, one a part)."""
        return np.concatenate([[False], chosen])[self.labels]


def objects(mask: np.ndarray) -> Objects:
    """The connected parts of a mask, diagonal neighbours included."""
    labels, n = labelled(mask)
    if not n:
        none = np.zeros(0)
        return Objects(labels, none.astype(int), none, none, none, none)
    ys, xs = np.nonzero(mask)
    which = labels[ys, xs] - 1
    area = np.bincount(which, minlength=n)
    x, y = np.bincount(which, xs, n) / area, np.bincount(which, ys, n) / area
    u, v = xs - x[which], ys - y[which]
    # 1/12: the spread of a pixel itself
    xx = np.bincount(which, u * u, n) / area + 1 / 12
    yy = np.bincount(which, v * v, n) / area + 1 / 12
    long, short = _axes(xx, yy, np.bincount(which, u * v, n) / area)
    return Objects(labels, area, x, y, long, short)


def labelled(mask: np.ndarray) -> tuple[np.ndarray, int]:
    """int32 (H, W) number of the connected part of each pixel from 1, 0 outside, and how many there are."""
    height, width = mask.shape
    labels = np.zeros((height, width), np.int32)
    padded = np.zeros((height, width + 2), np.int8)
    padded[:, 1:-1] = mask
    steps = np.diff(padded, axis=1).ravel()
    edges = np.flatnonzero(steps)  # of each run of pixels: its first, and one past its last
    starts, ends = edges[::2], edges[1::2]
    if not len(starts):
        return labels, 0
    rows = starts // (width + 1)
    offset = rows * (width + 1)
    number = _joined(rows.tolist(), (starts - offset).tolist(), (ends - offset).tolist())
    labels[mask] = np.repeat(number, ends - starts)
    return labels, int(number.max())


def _joined(rows: list[int], starts: list[int], ends: list[int]) -> np.ndarray:
    """Number (from 1) of the part each run of pixels belongs to; runs come row by row."""
    parent = list(range(len(rows)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    j = 0  # first run of the row above that may still touch
    for i in range(len(rows)):
        while rows[j] < rows[i] - 1 or (rows[j] == rows[i] - 1 and ends[j] < starts[i]):
            j += 1
        k = j
        while rows[k] == rows[i] - 1 and starts[k] <= ends[i]:
            a, b = root(k), root(i)
            parent[max(a, b)] = min(a, b)
            k += 1
    numbers: dict[int, int] = {}
    return np.array([numbers.setdefault(root(i), len(numbers) + 1) for i in range(len(rows))], np.int32)


def _axes(xx: np.ndarray, yy: np.ndarray, xy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Full axes of the ellipse with these central second moments."""
    middle, spread = (xx + yy) / 2, np.sqrt(((xx - yy) / 2) ** 2 + xy**2)
    return 4 * np.sqrt(middle + spread), 4 * np.sqrt(np.maximum(middle - spread, 0))


def largest(mask: np.ndarray) -> np.ndarray | None:
    """The largest connected part with its holes filled, or None for an empty mask."""
    labels, n = labelled(mask)
    if not n:
        return None
    return filled(labels == int(np.bincount(labels.ravel())[1:].argmax()) + 1)


def filled(mask: np.ndarray) -> np.ndarray:
    """The mask with its holes (background that does not reach the edge of the picture) filled."""
    padded = np.ones((mask.shape[0] + 2, mask.shape[1] + 2), bool)
    padded[1:-1, 1:-1] = ~mask
    labels, _ = labelled(padded)
    return (labels != labels[0, 0])[1:-1, 1:-1]


def grown(mask: np.ndarray, steps: int = 1) -> np.ndarray:
    """The mask grown by that many pixels in the four directions."""
    for _ in range(steps):
        wider = mask.copy()
        wider[1:] |= mask[:-1]
        wider[:-1] |= mask[1:]
        wider[:, 1:] |= mask[:, :-1]
        wider[:, :-1] |= mask[:, 1:]
        mask = wider
    return mask


def shrunk(mask: np.ndarray, steps: int = 1) -> np.ndarray:
    """The mask without its outermost pixels; what touches the edge of the picture stays there."""
    return ~grown(~mask, steps)


@dataclass(frozen=True)
class Shape:
    """One mask measured as a whole, in pixels."""

    area: float
    x: float
    y: float
    long: float
    """Extent along the principal axis."""
    short: float
    """Extent across it."""
    asymmetry: tuple[float, float]
    """Share of the area that does not overlap its mirror image, for both principal axes, larger first."""
    irregularity: float
    """Perimeter^2 / (4 pi area) over that of the ellipse of the same axes: 1 smooth, larger the more ragged."""


def shape_of(mask: np.ndarray) -> Shape:
    """Size and form of one mask with at least one pixel."""
    ys, xs = np.nonzero(mask)
    area = len(xs)
    x, y = xs.mean(), ys.mean()
    u, v = xs - x, ys - y
    xx, yy, xy = (u * u).mean() + 1 / 12, (v * v).mean() + 1 / 12, (u * v).mean()
    c, s = _principal(xx, yy, xy)
    along, across = u * c + v * s, v * c - u * s
    long, short = float(along.max() - along.min()) + 1, float(across.max() - across.min()) + 1
    folds = [_unmatched(mask, x, y, along * a, across * b, c, s) for a, b in ((1, -1), (-1, 1))]
    axes = _axes(xx, yy, xy)
    a, b = float(axes[0]), float(axes[1])
    around = np.pi / 2 * (3 * (a + b) - np.sqrt((3 * a + b) * (a + 3 * b)))  # of the ellipse (Ramanujan)
    irregularity = perimeter(mask) ** 2 / (4 * np.pi * area) / (around**2 / (np.pi**2 * a * b))
    first, second = max(folds), min(folds)
    return Shape(float(area), float(x), float(y), long, short, (first, second), float(irregularity))


def _principal(xx: float, yy: float, xy: float) -> tuple[float, float]:
    """Unit vector of the principal axis."""
    spread = np.sqrt(((xx - yy) / 2) ** 2 + xy**2)
    a, b = (xx - yy) / 2 + spread, xy
    length = np.hypot(a, b)
    if length < 1e-9:
        return (1.0, 0.0) if xx >= yy else (0.0, 1.0)
    return float(a / length), float(b / length)


def _unmatched(
    mask: np.ndarray, x: float, y: float, along: np.ndarray, across: np.ndarray, c: float, s: float
) -> float:
    """Share of mirrored pixels that fall outside the mask."""
    i = np.rint(y + along * s + across * c).astype(np.intp)
    j = np.rint(x + along * c - across * s).astype(np.intp)
    inside = (i >= 0) & (i < mask.shape[0]) & (j >= 0) & (j < mask.shape[1])
    return 1 - float(np.count_nonzero(mask[i[inside], j[inside]])) / len(along)


def perimeter(mask: np.ndarray) -> float:
    """Length of the boundary by Cauchy-Crofton: crossings counted in four directions (unbiased for round shapes)."""
    m = np.pad(mask, 1)
    straight = np.count_nonzero(m[1:] != m[:-1]) + np.count_nonzero(m[:, 1:] != m[:, :-1])
    oblique = np.count_nonzero(m[1:, 1:] != m[:-1, :-1]) + np.count_nonzero(m[1:, :-1] != m[:-1, 1:])
    return float(np.pi / 8 * (straight + oblique / np.sqrt(2)))


def colour_shares(pixels: np.ndarray, mask: np.ndarray, palette: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Share of the masked pixels nearest to each colour of the palette (RGB distance)."""
    inside = pixels[mask].astype(np.float32)
    colours = np.array(list(palette.values()), np.float32)
    nearest = ((inside[:, None, :] - colours[None]) ** 2).sum(axis=2).argmin(axis=1)
    counts = np.bincount(nearest, minlength=len(colours))
    return {name: float(n) / max(1, len(inside)) for name, n in zip(palette, counts, strict=True)}


def widths(mask: np.ndarray) -> np.ndarray:
    """Horizontal extent of the mask in each row, first to last pixel, 0 where empty."""
    return np.where(mask.any(axis=1), mask.shape[1] - mask[:, ::-1].argmax(axis=1) - mask.argmax(axis=1), 0)


def extent(mask: np.ndarray, axis: int) -> int:
    """Pixels from the first to the last line of the mask along an axis (0: vertical, 1: horizontal)."""
    lines = np.flatnonzero(mask.any(axis=1 - axis))
    return int(lines[-1] - lines[0]) + 1 if len(lines) else 0


def bright_spots(values: np.ndarray, size: int) -> np.ndarray:
    """How much each pixel stands out above what is wider than `size` pixels (odd): white top-hat, >= 0."""
    return values - _extreme(_extreme(values, size, np.minimum), size, np.maximum)


def dark_spots(values: np.ndarray, size: int) -> np.ndarray:
    """How much each pixel lies below what is wider than `size` pixels (odd): black top-hat, >= 0."""
    return _extreme(_extreme(values, size, np.maximum), size, np.minimum) - values


def _extreme(values: np.ndarray, size: int, pick: np.ufunc) -> np.ndarray:
    """Largest or smallest value in a square of `size` pixels around each pixel."""
    half = size // 2
    wide = np.pad(values, half, mode="edge")
    height, width = values.shape
    rows = wide[:height]
    for k in range(1, size):
        rows = pick(rows, wide[k : k + height])
    found = rows[:, :width]
    for k in range(1, size):
        found = pick(found, rows[:, k : k + width])
    return found


def sharpness(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Share of the contrast that lies within two pixels of the border, in each eighth of the mask's border (8,)."""
    ys, xs = np.nonzero(mask)
    sector = eighths(*mask.shape, xs.mean(), ys.mean())
    inner, outer = [mask], [mask]
    for steps in (2, 3, 3):
        inner.append(shrunk(inner[-1], steps))
        outer.append(grown(outer[-1], steps))

    def mean(ring: np.ndarray) -> np.ndarray:
        which = sector[ring]
        return np.bincount(which, values[ring], 8) / np.maximum(np.bincount(which, minlength=8), 1)

    near = mean(inner[0] & ~inner[1]) - mean(outer[1] & ~outer[0])
    far = mean(inner[2] & ~inner[3]) - mean(outer[3] & ~outer[2])
    return near / np.where(far == 0, np.inf, far)


def contrast(values: np.ndarray, mask: np.ndarray, around: int = 4) -> float:
    """Mean brightness inside less that of a rim of `around` pixels outside (negative: darker than its surroundings)."""
    rim = grown(mask, around) & ~grown(mask)
    return float(values[mask].mean() - values[rim].mean()) if rim.any() else 0.0


def change(now: float, before: float) -> float:
    """Change against a prior value, percent of the prior."""
    return (now - before) / before * 100


def scaled(values: Mapping[str, float], mm_per_pixel: float | None) -> dict[str, float]:
    """Values in pixels with `_mm` or `_mm2` names made millimetres; without a scale those are left out."""
    found = {}
    for name, value in values.items():
        power = 2 if name.endswith("_mm2") else 1 if name.endswith("_mm") else 0
        if power and mm_per_pixel is None:
            continue
        found[name] = float(value) * (mm_per_pixel or 1.0) ** power
    return found


def quality(pixels: np.ndarray) -> dict[str, float]:
    """Technical quality: `blur` 0..1 (Crete et al. 2007), brightness, contrast (standard deviation), clipped shares."""
    values = luminance(pixels)
    return {
        "blur": max(_blur(values), _blur(values.T)),
        "brightness": float(values.mean()),
        "contrast": float(values.std()),
        "clipped_dark": float((values <= 2).mean()),
        "clipped_bright": float((values >= 253).mean()),
    }


BLUR_WINDOW = 9  # pixels, as published


def _blur(values: np.ndarray) -> float:
    """How little neighbouring differences lose when the picture is blurred once more: 0 sharp, 1 blurred."""
    sums = np.cumsum(np.pad(values, ((BLUR_WINDOW // 2 + 1, BLUR_WINDOW // 2), (0, 0)), mode="edge"), axis=0)
    smooth = (sums[BLUR_WINDOW:] - sums[:-BLUR_WINDOW]) / BLUR_WINDOW
    sharp_steps, smooth_steps = np.abs(np.diff(values, axis=0)), np.abs(np.diff(smooth, axis=0))
    total = float(sharp_steps.sum())
    return 1 - float(np.maximum(0, sharp_steps - smooth_steps).sum()) / total if total else 1.0


def region_statistics(values: np.ndarray, box: tuple[int, int, int, int]) -> dict[str, float]:
    """Mean, spread and range of brightness in a box (left, top, right, bottom; right and bottom excluded)."""
    left, top, right, bottom = box
    part = values[top:bottom, left:right]
    return {"mean": float(part.mean()), "sd": float(part.std()), "min": float(part.min()), "max": float(part.max())}
