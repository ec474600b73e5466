"""The fast encoder: it repeats itself, survives saving, and says what is wrong with a broken one."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from medgym_core.errors import MedGymError
from medgym_core.knowledge.encoder import FastEncoder

ORGANS = "heart lung liver kidney brain stomach skin bone joint eye".split()
SIGNS = "pain swelling fever bleeding weakness numbness itching cramps".split()
TEXTS = [
    f"{sign.capitalize()} of the {organ}, grade {grade}." for organ in ORGANS for sign in SIGNS for grade in range(1, 6)
]


@pytest.fixture(scope="module")
def encoder():
    return FastEncoder.fit(TEXTS, dim=16)


def test_encoder_gives_unit_vectors_and_zeros_for_unknown_words(encoder):
    vectors = encoder.encode([*TEXTS[:5], "zzz qqq"])
    assert vectors.dtype == np.float32 and vectors.shape == (6, 16)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1, 1, 1, 1, 1, 0], atol=1e-3)


def test_encoder_puts_related_texts_near(encoder):
    one, near, far = encoder.encode(["fever of the liver", "liver with fever", "itching eye"])
    assert one @ near > 0.9 > 0.5 > one @ far


def test_encoder_survives_saving_bit_by_bit(encoder, tmp_path):
    encoder.save(tmp_path / "encoder")
    again = FastEncoder.load(tmp_path / "encoder")
    assert again.digest == encoder.digest
    assert again.encode(TEXTS).tobytes() == encoder.encode(TEXTS).tobytes()
    assert sorted(p.suffix for p in (tmp_path / "encoder").iterdir()) == [".json", ".safetensors"]


def test_encoding_does_not_depend_on_the_batch(encoder):
    assert b"".join(encoder.encode([t]).tobytes() for t in TEXTS) == encoder.encode(TEXTS).tobytes()


def test_encoder_fit_repeats_in_another_process(encoder):
    program = (
        "import sys, json\n"
        "from medgym_core.knowledge.encoder import FastEncoder\n"
        "print(FastEncoder.fit(json.load(sys.stdin), dim=16).digest)"
    )
    environment = os.environ | {
        "PYTHONHASHSEED": "77",
        "PYTHONPATH": os.pathsep.join(p or os.getcwd() for p in sys.path),
    }
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, input=json.dumps(TEXTS), capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == encoder.digest


def test_encoder_loads_and_encodes_without_scikit_learn(encoder, tmp_path):
    encoder.save(tmp_path)
    program = (
        "import sys; sys.modules['sklearn'] = sys.modules['scipy'] = None\n"
        "from medgym_core.knowledge.encoder import FastEncoder\n"
        "print(FastEncoder.load(sys.argv[1]).encode(['fever']).shape)"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p or os.getcwd() for p in sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.strip() == "(1, 16)"


def test_encoder_of_few_texts_fills_up_with_zeros():
    encoder = FastEncoder.fit(["fever and cough", "cough"], dim=8)
    assert encoder.encode(["cough"]).shape == (1, 8)


def test_encoder_without_words_or_files_is_an_error(tmp_path):
    with pytest.raises(MedGymError, match="nothing to fit"):
        FastEncoder.fit(["...", ""])
    with pytest.raises(MedGymError, match="unreadable encoder"):
        FastEncoder.load(tmp_path)
