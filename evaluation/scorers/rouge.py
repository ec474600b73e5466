"""ROUGE-L of two texts: F measure of their longest common subsequence of words (Lin 2004, Text Summarization Branches
Out, section 3.1), precision and recall weighing the same. Words are lower-case runs of letters and digits, not
stemmed.
"""

import re
from collections.abc import Sequence

import numpy as np

MOST_WORDS = 4000
"""Of either text; what stands behind is not compared. Ten times a long reference, so that time stays bounded."""
_WORD = re.compile(r"[^\W_]+")


def words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def rouge_l(text: str, reference: str) -> float:
    """ROUGE-L F in [0, 1]; 0 where either text has no words."""
    said, wanted = words(text)[:MOST_WORDS], words(reference)[:MOST_WORDS]
    common = longest_common(said, wanted)
    if not common:
        return 0.0
    precision, recall = common / len(said), common / len(wanted)
    return 2 * precision * recall / (precision + recall)


def longest_common(one: Sequence[str], other: Sequence[str]) -> int:
    """Length of the longest common subsequence, by rows of the usual table."""
    short, long = sorted((one, other), key=len)
    if not short:
        return 0
    number = {word: i for i, word in enumerate({*short, *long})}
    long_L = np.array([number[word] for word in long])
    row_L = np.zeros(len(long) + 1, dtype=np.int64)
    for word in short:
        # cell = max(above, left, above left + 1 where the words are equal); "left" is the running maximum
        step_L = np.where(long_L == number[word], row_L[:-1] + 1, row_L[1:])
        row_L[1:] = np.maximum.accumulate(np.maximum(step_L, row_L[1:]))
    return int(row_L[-1])
