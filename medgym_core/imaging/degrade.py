"""What goes wrong with a picture: blur, bad exposure, low contrast, noise. Pixels in, pixels out, the same shape."""

from random import Random

import numpy as np

from medgym_core.imaging import draw


def blurred(pixels: np.ndarray, radius: int) -> np.ndarray:
    """Out of focus: two passes of a box of 2 `radius` + 1 pixels both ways."""
    image = pixels.astype(np.float32)
    for axis in (0, 1, 0, 1):
        image = _box(image, radius, axis)
    return draw.quantise(image)


def exposed(pixels: np.ndarray, gain: float) -> np.ndarray:
    """Brighter (gain above 1) or darker; what passes 255 is lost."""
    return draw.quantise(pixels.astype(np.float32) * np.float32(gain))


def flattened(pixels: np.ndarray, share: float) -> np.ndarray:
    """Contrast reduced to `share` of what it was, around mid-grey."""
    return draw.quantise((pixels.astype(np.float32) - 128) * np.float32(share) + 128)


def noisy(rng: Random, pixels: np.ndarray, sd: float) -> np.ndarray:
    """Sensor noise of that standard deviation."""
    return draw.quantise(pixels + draw.grain(draw.generator(rng), pixels.shape, sd))


def _box(image: np.ndarray, radius: int, axis: int) -> np.ndarray:
    pad = [(0, 0)] * image.ndim
    pad[axis] = (radius, radius)
    wide = np.pad(image, pad, mode="edge")
    length = image.shape[axis]
    total = np.zeros_like(image)
    for k in range(2 * radius + 1):
        total += np.take(wide, range(k, k + length), axis=axis)
    return total / np.float32(2 * radius + 1)
