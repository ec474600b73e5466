"""Turns come and go in any order; each is what it would be alone, to the last bit, and memory follows the living."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medgym_core.errors import MedGymError
from training.cached_decoder import CachedDecoder, common_prefix
from training.distribution import Sampling, choose, log_mu
from training.sampler import HFSampler, Request, SampleStop, derive_seed

ROOT = Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location("benchmark_sampling", ROOT / "benchmarks" / "sampling.py")
bench = importlib.util.module_from_spec(spec)
spec.loader.exec_module(bench)


@pytest.fixture(scope="module")
def model():
    return bench.make_model("tiny")


def context(key, turn, said=()):
    """The growing context of an episode: prompts are shared by pairs."""
    ids = bench.tokens(key // 2, 80) + bench.tokens(100 + key // 2, 10)
    for number, sample in enumerate(said[:turn]):
        ids += sample.ids + bench.tokens(derive_seed(key, number), 5 + 60 * (key % 3))
    return ids


def request(key, turn, said):
    return Request(key, context(key, turn, said), derive_seed(key, turn), 1 + (key + turn) % 9)


@pytest.fixture(scope="module")
def alone(model):
    """Three turns of eight episodes, each in a sampler of its own: what every other way must give."""
    told = {}
    for key in range(8):
        sampler, told[key] = HFSampler(model, {bench.STOP}), []
        for turn in range(3):
            told[key] += sampler.sample([request(key, turn, told[key])])
    return told


def test_products_do_not_depend_on_the_number_of_rows():
    rows, weight = torch.randn(64, 128), torch.randn(384, 128)
    whole = torch.nn.functional.linear(rows, weight)
    for n in (1, 2, 5, 15, 33):
        assert torch.equal(torch.nn.functional.linear(rows[:n].clone(), weight), whole[:n])


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_interleaving_gives_the_samples_of_one_by_one(model, alone, data):
    sampler = HFSampler(model, {bench.STOP})
    said = {key: [] for key in range(8)}
    idle, flying, live = list(range(8)), set(), set()
    while idle or flying:
        if idle and (not flying or data.draw(st.booleans())):
            key = idle.pop(data.draw(st.integers(0, len(idle) - 1)))
            sampler.submit(request(key, len(said[key]), said[key]))
            flying.add(key)
            live.add(key)
        elif data.draw(st.integers(0, 15)) == 0:  # an episode given up in mid-turn
            key = data.draw(st.sampled_from(sorted(flying)))
            sampler.release(key)
            flying.discard(key)
        else:
            for sample in sampler.collect():
                flying.discard(sample.key)
                said[sample.key].append(sample)
                if len(said[sample.key]) < 3:
                    idle.append(sample.key)
                else:
                    sampler.release(sample.key)
    assert sampler.collect() == []
    for key, samples in said.items():
        assert samples == alone[key][: len(samples)]  # ids, log-probabilities and stops, with ==


def test_random_episodes_are_exact(model):
    """What `benchmarks/sampling.py --check` runs for a thousand."""
    assert bench.check("tiny", 8)


def test_contexts_around_the_attention_block_are_exact(model):
    """Torch reads keys in blocks of 512: contexts in one, two and three of them, alone and beside longer rows."""
    requests = [Request(k, bench.tokens(k, n), k, 30) for k, n in enumerate((500, 330, 1033, 511, 370))]
    together = HFSampler(model, set()).sample(requests)
    assert together == [HFSampler(model, set()).sample([r])[0] for r in requests]


def test_a_wrong_cache_would_be_seen(model):
    """The same check fails when the keys of one row are disturbed."""
    sampler, said = HFSampler(model, {bench.STOP}), []
    said += sampler.sample([request(1, 0, said)])
    with torch.inference_mode():
        sampler._decoder._cache.keys[0][0, :, 20:40] += 1.0
    fresh = HFSampler(model, {bench.STOP}).sample([request(1, 1, said)])
    assert sampler.sample([request(1, 1, said)])[0].logprobs != fresh[0].logprobs


def test_a_finished_turn_is_returned_while_others_go_on(model):
    sampler = HFSampler(model, set())
    sampler.submit(Request(0, [5, 6], 0, 2))
    sampler.submit(Request(1, [7, 8], 1, 20))
    assert [s.key for s in sampler.collect()] == [0]
    sampler.submit(Request(2, [9], 2, 3))
    assert [s.key for s in sampler.collect()] == [2]
    assert [(s.key, len(s.ids)) for s in sampler.collect()] == [(1, 20)]
    assert sampler.collect() == []


def test_only_unseen_tokens_are_computed(model):
    sampler = HFSampler(model, set())
    prompt = bench.tokens(0, 200)
    one, *_ = sampler.sample([Request(k, prompt, k, 4) for k in range(4)])  # a group: its prompt once
    assert sampler.computed["prefill"] == 200 + 3
    sampler.sample([Request(0, [*prompt, *one.ids, 5, 6], 9, 4)])  # the last sampled token and two new ones
    assert sampler.computed["prefill"] == 200 + 3 + 3
    sampler.sample([Request(9, [*prompt[:150], 3, 4], 9, 4)])  # another prompt with the same start
    assert sampler.computed["prefill"] == 200 + 3 + 3 + 2


def test_memory_follows_the_living_episodes(model):
    sampler, sizes = HFSampler(model, set()), []
    for key in range(60):
        sampler.sample([Request(key, bench.tokens(key, 30), key, 2)])
        if key >= 3:
            sampler.release(key - 3)
        sizes.append(sampler._decoder.nbytes)
    assert sampler._decoder.rows == 4 and sizes[10] == sizes[-1]


def test_stop_reasons(model):
    ids = bench.tokens(3, 20)
    plain = HFSampler(model, set(), greedy=True).sample([Request(0, ids, 0, 6)])[0]
    assert plain.stop == SampleStop.length and len(plain.ids) == 6
    third = plain.ids[2]
    at = plain.ids.index(third) + 1
    ways = [
        (dict(stop_ids={third}), SampleStop.end),
        (dict(stop_ids=set(), call_end=third), SampleStop.tool_call),
        (dict(stop_ids=set(), closes=lambda said: said[-1] == third), SampleStop.tool_call),
        (dict(stop_ids={third}, call_end=third), SampleStop.end),
    ]
    for options, stop in ways:
        sample = HFSampler(model, greedy=True, **options).sample([Request(0, ids, 0, 6)])[0]
        assert sample.stop == stop and sample.ids == plain.ids[:at]


def test_bad_requests_are_refused_and_harm_nothing(model):
    sampler = HFSampler(model, {bench.STOP})
    sampler.sample([Request(0, [5, 6, 7], 0, 2)])
    sampler.submit(Request(1, [5], 0, 2))
    bad = [
        (Request(0, [5, 9, 7, 8], 0, 2), "must grow"),
        (Request(0, [5, 6], 0, 2), "must grow"),
        (Request(1, [5, 6], 0, 2), "in flight"),
        (Request(2, [], 0, 2), "no tokens; expected at least one"),
        (Request(2, [5], 0, 0), "got 0; expected at least 1"),
        (Request(2, [5] * 4096, 0, 1), "expected at most 4096"),
        (Request(2, [5], 0, 1, images=[b"png"]), "images"),
    ]
    for one, message in bad:
        with pytest.raises(MedGymError, match=message):
            sampler.submit(one)
    with pytest.raises(MedGymError, match="in flight"):
        sampler.sample([Request(3, [5], 0, 1)])
    assert [s.key for s in sampler.collect()] == [1]
    sampler.release(0)
    sampler.release(77)  # an episode that ended before its first turn
    with pytest.raises(MedGymError, match="released"):
        sampler.submit(Request(0, [5, 6, 7, 8, 9], 0, 2))
    sampler.close()
    with pytest.raises(MedGymError, match="closed"):
        sampler.collect()


@pytest.mark.parametrize("bad", [{"temperature": 0}, {"top_p": 0}, {"top_p": 1.5}, {"top_k": -1}])
def test_bad_sampling_parameters_are_refused(model, bad):
    with pytest.raises(MedGymError, match=next(iter(bad))):
        HFSampler(model, set(), **bad)


def test_a_model_that_gives_no_numbers_is_an_error_and_not_a_sample():
    with pytest.raises(MedGymError, match="not finite"):
        choose(torch.full((2, 5), torch.nan), torch.rand(2, dtype=torch.float64), Sampling())


def test_embeddings_given_for_images_take_the_place_of_tokens(model):
    """With `embed` that looks tokens up, samples are those of the tokens; another picture gives other samples."""
    table, ids = model.get_input_embeddings().weight.detach(), bench.tokens(1, 300)

    def look(request, start):
        rows = table[torch.tensor(request.ids[start:])].clone()
        if request.images == ["other"] and start < 150:
            rows[150 - start :][:20] = table[:20]
        return rows

    plain = HFSampler(model, set()).sample([Request(0, ids, 0, 8)])[0]
    sampler = HFSampler(model, set(), embed=look)
    same, other = sampler.sample([Request(0, ids, 0, 8, ["same"]), Request(1, ids, 0, 8, ["other"])])
    assert same == plain and other.logprobs != plain.logprobs


def reference(logits, sampling):
    """The same cut, token by token, in plain Python."""
    p = np.exp(np.array(logits, dtype=np.float64) / sampling.temperature)
    order = sorted(range(len(p)), key=lambda i: (-p[i], i))[: sampling.top_k or len(p)]
    mass, kept = 0.0, []
    for i in order:
        if mass / p[order].sum() >= sampling.top_p:
            break
        kept.append(i)
        mass += p[i]
    q = np.zeros_like(p)
    q[kept] = p[kept] / p[kept].sum()
    return q


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(-40, 40), min_size=2, max_size=12, unique=True),
    st.sampled_from([0.5, 1.0, 2.0]),
    st.sampled_from([0.05, 0.37, 0.81, 1.0]),
    st.integers(0, 14),
)
def test_cut_distribution_equals_the_reference(values, temperature, top_p, top_k):
    sampling, logits = Sampling(temperature, top_p, top_k), [v / 10 for v in values]
    expected = reference(logits, sampling)
    assert np.allclose(log_mu(torch.tensor([logits]), sampling).exp()[0].numpy(), expected, atol=1e-5)
    n = 2000
    uniforms = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    tokens, logprobs = choose(torch.tensor([logits]).expand(n, -1), uniforms, sampling)
    shares = np.bincount(tokens.numpy(), minlength=len(values)) / n
    assert np.abs(shares - expected).max() <= 2 / n
    assert np.allclose(logprobs.exp().numpy(), expected[tokens.numpy()], atol=1e-5)


def test_the_largest_uniform_stays_inside_the_cut():
    logits, last = torch.tensor([[1.0, 2.0, 3.0, -9.0, -9.0]]), torch.tensor([1 - 2.0**-53], dtype=torch.float64)
    assert int(choose(logits, last, Sampling(top_k=3))[0]) == 2


def test_a_token_at_the_edge_of_the_cut_keeps_its_place_when_recomputed():
    logits, sampling = torch.tensor([[0.0, 1.0, 2.0]]), Sampling(top_k=1)
    assert float(log_mu(logits, sampling)[0, 1]) == -np.inf
    assert torch.isfinite(log_mu(logits, sampling, torch.tensor([1]))[0, 1])


@given(st.lists(st.integers(0, 2), max_size=12), st.lists(st.integers(0, 2), max_size=12))
def test_common_prefix(a, b):
    n = common_prefix(a, b)
    assert a[:n] == b[:n] and (n in (len(a), len(b)) or a[n] != b[n])


def test_rows_are_moved_together_and_keep_their_contexts(model):
    decoder = CachedDecoder(model)
    with torch.inference_mode():
        for key in range(6):
            decoder.open(key, [key + 1] * 10, 99)
            decoder.feed({key: [key + 1] * 10}, {})
        before = decoder.feed({5: [7]}, {})  # rows 0 to 5, only the last one wanted
        decoder.free(0)
        decoder.feed({5: [8], 3: [2]}, {}, dense=True)
        assert decoder.known(5) == [6] * 10 + [7, 8] and decoder.known(1) == [2] * 10
        assert {decoder._row[5], decoder._row[3]} == {0, 1}
        fresh = CachedDecoder(model)
        fresh.open(5, [], 99)
        assert torch.equal(fresh.feed({5: [6] * 10 + [7]}, {}), before)
