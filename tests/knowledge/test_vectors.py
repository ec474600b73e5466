"""The vector cache: nothing is encoded twice, nothing is lost to a kill, and damage costs only what was damaged."""

import os
import random
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medgym_core.errors import MedGymError
from medgym_core.knowledge import vectors
from medgym_core.knowledge.encoders import rounded_units
from medgym_core.knowledge.vectors import encode_all, vectors_of

IDS = [f"id{n:04}" for n in range(300)]
TEXTS = [f"text {n}" for n in range(300)]


class Hashing:
    """An encoder whose vector is drawn from the text's bytes; it counts what it is given."""

    name, dim, digest = "hashing", 8, "hashing-8"

    def __init__(self, pause: float = 0.0):
        self.texts: list[str] = []
        self.pause = pause

    def encode(self, texts):
        time.sleep(self.pause)
        self.texts += texts
        seeds = [int.from_bytes(text.encode(), "little") for text in texts]
        return rounded_units(np.array([np.random.default_rng(s).standard_normal(8) for s in seeds]).reshape(-1, 8))


def expected(texts) -> bytes:
    return Hashing().encode(texts).astype(np.float16).tobytes()


def parts(cache: Path) -> list[Path]:
    return sorted((cache / Hashing.digest).glob("part-*.parquet"))


def test_vectors_come_back_in_the_order_asked_for(tmp_path):
    encode_all(IDS, TEXTS, Hashing(), tmp_path, batch=64)
    found = vectors_of(IDS[::-3], Hashing(), tmp_path)
    assert found.dtype == np.float16 and found.shape == (100, 8)
    assert found.tobytes() == expected(TEXTS[::-3])


def test_nothing_is_encoded_twice(tmp_path):
    encoder, steps = Hashing(), []
    first = encode_all(IDS[:100], TEXTS[:100], encoder, tmp_path, lambda *done: steps.append(done), batch=64)
    again = encode_all(IDS, TEXTS, encoder, tmp_path, batch=64)
    last = encode_all(IDS, TEXTS, encoder, tmp_path)
    assert (first.encoded, again.encoded, again.reused, last.encoded, last.reused) == (100, 200, 100, 0, 300)
    assert encoder.texts == TEXTS and steps == [(64, 100), (100, 100)]


def test_a_repeated_id_is_encoded_once(tmp_path):
    encoder = Hashing()
    assert encode_all(["a", "b", "a", "a"], ["x", "y", "x", "x"], encoder, tmp_path, batch=3).encoded == 2
    assert encoder.texts == ["x", "y"]
    assert vectors_of(["a", "b", "a"], encoder, tmp_path).tobytes() == expected(["x", "y", "x"])


def test_encoders_do_not_share_vectors(tmp_path):
    other = Hashing()
    other.digest = "another"
    encode_all(IDS[:9], TEXTS[:9], Hashing(), tmp_path)
    assert encode_all(IDS[:9], TEXTS[:9], other, tmp_path).encoded == 9
    with pytest.raises(MedGymError, match="1 of 2 without a vector"):
        vectors_of([IDS[0], IDS[9]], other, tmp_path)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.integers(0, 40), max_size=30), min_size=1, max_size=4), st.integers(1, 9))
def test_any_series_of_runs_gives_every_vector_once(tmp_path_factory, runs, batch):
    cache, encoder = tmp_path_factory.mktemp("cache"), Hashing()
    for run in runs:
        encode_all([IDS[n] for n in run], [TEXTS[n] for n in run], encoder, cache, batch=batch)
        assert vectors_of([IDS[n] for n in run], encoder, cache).tobytes() == expected([TEXTS[n] for n in run])
    assert sorted(encoder.texts) == sorted({TEXTS[n] for run in runs for n in run})


RUN = (
    "import sys; sys.path.insert(0, sys.argv[1])\n"
    "from pathlib import Path; import test_vectors as t\n"
    "encoder = t.Hashing(pause=float(sys.argv[3])); print('ready', flush=True)\n"
    "t.encode_all(t.IDS, t.TEXTS, encoder, Path(sys.argv[2]), lambda *_: print(len(encoder.texts), flush=True), 10)\n"
)


def start(cache: Path, pause: float) -> subprocess.Popen:
    command = [sys.executable, "-c", RUN, str(Path(__file__).parent), str(cache), str(pause)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p or os.getcwd() for p in sys.path)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def test_a_killed_run_loses_at_most_the_batch_under_way(tmp_path):
    kept, moments = 0, random.Random(7)
    for _ in range(3):
        running = start(tmp_path, 0.01)
        assert running.stdout.readline() == "ready\n"
        said = [int(running.stdout.readline()) for _ in range(moments.randint(1, 6))]
        time.sleep(moments.uniform(0, 0.02))
        running.send_signal(signal.SIGKILL)
        said += [int(line) for line in running.communicate()[0].split()]
        now = sum(vectors._rows(part.name) for part in parts(tmp_path))
        finished = max(said, default=0)
        assert finished <= now - kept <= finished + 10
        kept = now
    encoder = Hashing()
    assert encode_all(IDS, TEXTS, encoder, tmp_path).encoded == len(IDS) - kept < len(IDS)
    assert vectors_of(IDS, encoder, tmp_path).tobytes() == expected(TEXTS)


def test_two_writers_at_once_break_nothing(tmp_path):
    running = [start(tmp_path, 0.004) for _ in range(2)]
    for process in running:
        _, error = process.communicate(timeout=60)
        assert process.returncode == 0, error
    assert vectors_of(IDS, Hashing(), tmp_path).tobytes() == expected(TEXTS)


@pytest.mark.parametrize("harm", ["truncate", "empty", "flip", "other shape", "no number"])
def test_a_damaged_part_is_reported_and_encoded_again(tmp_path, harm):
    encode_all(IDS, TEXTS, Hashing(), tmp_path, batch=100)
    part = parts(tmp_path)[1]
    data = part.read_bytes()
    if harm == "truncate":
        part.write_bytes(data[: len(data) // 2])
    elif harm == "empty":
        part.write_bytes(b"")
    elif harm == "flip":  # one bit of one vector
        at = data.index(vectors_of(IDS[100:101], Hashing(), tmp_path).tobytes())
        part.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    else:
        values = np.ones((100, 7), np.float16) if harm == "other shape" else np.full((100, 8), np.nan, np.float16)
        vectors._write(part.parent, 1, IDS[100:200], values).replace(part)
    encoder = Hashing()
    with pytest.warns(UserWarning, match="damaged vectors set aside"):
        done = encode_all(IDS, TEXTS, encoder, tmp_path)
    assert done.encoded == 100 and len(done.damaged) == 1 and part.name in done.damaged[0]
    assert encoder.texts == TEXTS[100:200]
    assert vectors_of(IDS, encoder, tmp_path).tobytes() == expected(TEXTS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # told once
        assert encode_all(IDS, TEXTS, encoder, tmp_path).encoded == 0


def test_trouble_of_the_system_does_not_cost_a_part(tmp_path, monkeypatch):
    encode_all(IDS, TEXTS, Hashing(), tmp_path)
    with monkeypatch.context() as patch, pytest.raises(OSError, match="too many"):
        patch.setattr(vectors.pq, "read_table", lambda *_, **__: (_ for _ in ()).throw(OSError(24, "too many files")))
        encode_all(IDS, TEXTS, Hashing(), tmp_path)
    assert encode_all(IDS, TEXTS, Hashing(), tmp_path).encoded == 0


def test_vectors_lost_to_damage_are_an_error_when_read(tmp_path):
    encode_all(IDS, TEXTS, Hashing(), tmp_path, batch=100)
    parts(tmp_path)[0].write_bytes(b"PAR1")
    with pytest.warns(UserWarning), pytest.raises(MedGymError, match="100 of 300 without a vector; part-00000000"):
        vectors_of(IDS, Hashing(), tmp_path)


def test_many_parts_are_merged_and_say_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(vectors, "MANY_PARTS", 10)
    monkeypatch.setattr(vectors, "MERGED_ROWS", 120)
    encode_all(IDS[:250], TEXTS[:250], Hashing(), tmp_path, batch=7)
    assert [vectors._rows(part.name) for part in parts(tmp_path)] == [126, 124]
    assert encode_all(IDS, TEXTS, Hashing(), tmp_path, batch=7).encoded == 50
    assert vectors_of(IDS, Hashing(), tmp_path).tobytes() == expected(TEXTS)


def test_a_reader_finds_parts_that_are_merged_under_it(tmp_path, monkeypatch):
    monkeypatch.setattr(vectors, "MANY_PARTS", 99)
    encode_all(IDS, TEXTS, Hashing(), tmp_path, batch=50)
    read, merged = vectors._read, []

    def read_late(path, dim, damaged):
        if not merged and path == parts(tmp_path)[2]:
            merged.append(path)
            vectors._join(path.parent, parts(tmp_path)[1:5], dim)
        return read(path, dim, damaged)

    monkeypatch.setattr(vectors, "_read", read_late)
    assert vectors_of(IDS, Hashing(), tmp_path).tobytes() == expected(TEXTS)
    assert merged


def test_vectors_can_go_into_a_memory_map(tmp_path):
    encode_all(IDS, TEXTS, Hashing(), tmp_path)
    out = np.lib.format.open_memmap(tmp_path / "vectors.npy", "w+", np.float16, (300, 8))
    assert vectors_of(IDS, Hashing(), tmp_path, out) is out
    out.flush()
    assert np.load(tmp_path / "vectors.npy", mmap_mode="r").tobytes() == expected(TEXTS)
    with pytest.raises(MedGymError, match="wrong array"):
        vectors_of(IDS[1:], Hashing(), tmp_path, out)


def test_wrong_vectors_are_refused_and_what_was_there_stays(tmp_path):
    class Failing(Hashing):
        def encode(self, texts):
            found = super().encode(texts)
            if len(self.texts) > 100:
                found[3, 2] = np.nan
            return found

    with pytest.raises(MedGymError, match="wrong vectors; got shape \\(50, 8\\), 1 values"):
        encode_all(IDS, TEXTS, Failing(), tmp_path, batch=50)
    assert encode_all(IDS, TEXTS, Hashing(), tmp_path).encoded == 200
    with pytest.raises(MedGymError, match="ids and texts differ"):
        encode_all(IDS, TEXTS[1:], Hashing(), tmp_path)
