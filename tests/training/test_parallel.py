"""Several processes train as one does; when one dies all end, and any number of them goes on from the checkpoint.

Two torchrun launches serve the whole module: `broken`, whose second process is killed, and `done`, which does all other
jobs one after another. Starting the processes is most of their time.
"""

import copy
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from contextlib import nullcontext
from pathlib import Path

import msgspec
import pytest
import torch
import torch.distributed as dist
from safetensors.torch import load_file
from transformers.modeling_layers import GradientCheckpointingLayer

from medgym_core.errors import MedGymError
from training.actors import actor_of
from training.adapters import recomputing
from training.algorithms import algorithm
from training.bc import train_bc
from training.checkpoint import load_checkpoint
from training.config import BCConfig, LoRAConfig, TruncationConfig, TTOPDConfig
from training.control import ControlEpisode
from training.items import ask_teacher, prepare
from training.launch import ControlTasks, Job, command, launch, read_jobs
from training.parallel import shard, watch
from training.policy import load_policy
from training.ranks import Ranks
from training.rl import start, train_rl
from training.shards import stored_sets
from training.trajectory import read_trajectories
from training.update import update

TOLERANCE = 1e-5  # two processes against one; the sums are taken in another order
SHORT = TTOPDConfig(
    steps=6, prompts=3, samples=2, turn_tokens=12, episode_tokens=200, validate_every=6, checkpoint_every=3,
    validation_tasks=3, truncation=TruncationConfig(turns=1, tokens=3), actor="copy", batch_tokens=256,
    reference=0.01, select="last", updates=2, gradient_norms_every=20,
)  # fmt: skip
"""All mechanisms and a reference; three prompts, so that one of two processes plays two of them; micro-batches of few
episodes, so that one of them has more than the other."""
LONG = msgspec.structs.replace(SHORT, steps=20, checkpoint_every=20, validate_every=20, updates=1)
"""At the default rate of 2e-4. At 1e-3 the rounding of any two runs of this small model grows by a factor of ten in a
few steps, until a draw flips; also in one process that splits its micro-batches otherwise."""
LONE = msgspec.structs.replace(SHORT, steps=2, prompts=1, samples=1, gradient_checkpointing=True, one_step_off=True)
"""One episode: the second process has nothing to play and nothing to learn from."""
ADAPTER = msgspec.structs.replace(SHORT, steps=3, lora=LoRAConfig(rank=4, alpha=8))
CLONE = BCConfig(copy_steps=2, steps=3, batch_tokens=256, hinted=0.3, demonstrations=20)
JOBS = {"long": LONG, "straight": SHORT, "lone": LONE, "adapter": ADAPTER}
HAS_PEFT = importlib.util.find_spec("peft") is not None


@pytest.fixture(scope="module")
def job(cloned):
    """A job on the control task for two processes."""

    def made(out, config):
        return Job(policy=str(cloned), out_dir=str(out), rl=config, tasks=ControlTasks(tasks=32))

    return made


@pytest.fixture(scope="module")
def alone(cloned, control):
    """The same in this process."""

    def train(out, config, progress=None):
        return train_rl(cloned, control, None, out, config, 0, progress, make_episode=ControlEpisode)

    return train


@pytest.fixture(scope="module")
def broken(job, tmp_path_factory):
    """A run whose second process was killed after step 4: its folder, the launcher's status, seconds until it ended,
    processes that were left."""
    folder = tmp_path_factory.mktemp("broken")
    (folder / "jobs.json").write_bytes(msgspec.json.encode([job(folder / "run", SHORT)]))
    child = subprocess.Popen(command(folder / "jobs.json", 2), stdout=subprocess.PIPE, text=True)
    for line in child.stdout:
        if json.loads(line).get("progress", {}).get("step") == 4:
            break
    workers = {rank_of(pid): pid for pid in children(child.pid)}
    os.kill(workers[1], signal.SIGKILL)
    began = time.monotonic()
    try:
        status = child.wait(60)
    finally:
        child.kill()
        child.stdout.close()
    return folder / "run", status, time.monotonic() - began, [pid for pid in workers.values() if lives(pid)]


@pytest.fixture(scope="module")
def half(alone, tmp_path_factory):
    """What one process left that was stopped after step 4; its checkpoint is of step 3."""

    class Stopped(Exception):
        pass

    def stop(record):
        if record["step"] == 4:
            raise Stopped

    out = tmp_path_factory.mktemp("half")
    with pytest.raises(Stopped):
        alone(out, SHORT, stop)
    return out


@pytest.fixture(scope="module")
def done(job, broken, half, made, tmp_path_factory):
    """All jobs that two processes finish, in one launch: (folders, figures, log lines by job)."""
    root = tmp_path_factory.mktemp("done")
    configs = {name: c for name, c in JOBS.items() if name != "adapter" or HAS_PEFT}
    for name, left in {"resumed": broken[0], "joined": half}.items():
        shutil.copytree(left, root / name)
        configs[name] = SHORT
    lines = {name: [] for name in configs}
    jobs = [job(root / name, config) for name, config in configs.items()]
    configs["clone"], lines["clone"] = CLONE, []
    jobs.append(Job(policy=str(made[0]), out_dir=str(root / "clone"), bc=CLONE, trajectories=str(made[1])))
    figures = launch(jobs, 2, lambda n, record: lines[list(configs)[n]].append(record))
    return {n: root / n for n in configs}, dict(zip(configs, figures, strict=True)), lines


def children(pid):
    """The processes that a process has started."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


def rank_of(pid):
    variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return int(next((v for v in variables if v.startswith(b"RANK=")), b"RANK=-1")[5:])


def lives(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def newest(out):
    """Weights, teacher, moments and reference at the end of a run, whole; all but the random state."""
    sets = stored_sets(max((out / "checkpoints").glob("step-*")))
    return {f"{name}/{key}": s[key] for name, s in sets.items() if name != "rng" for key in s}


def largest(a, b):
    """Over all tensors."""
    assert a.keys() == b.keys() and len(a) > 40
    return max(float((a[k].double() - b[k].double()).abs().max()) for k in a)


def metrics(out):
    """The numbers of each line of the log, flat; texts and what depends on how rows were batched left out."""

    def flat(value, name):
        if isinstance(value, dict):
            return {k: v for key, inner in value.items() for k, v in flat(inner, f"{name}/{key}").items()}
        return {name: value} if isinstance(value, int | float) else {}

    found = [flat(json.loads(line), "") for line in open(out / "metrics.jsonl")]
    return [{k: v for k, v in line.items() if k != "/padding"} for line in found]


def same_metrics(a, b):
    for x, y in zip(metrics(a), metrics(b), strict=True):
        assert x.keys() == y.keys() and x == pytest.approx(y, rel=1e-4, abs=TOLERANCE)


def test_two_processes_equal_one_over_twenty_steps(done, alone, cloned, tmp_path):
    """FSDP2 with the EMA teacher, hints, truncation, cosine reward and a reference: weights, moments, teacher, log."""
    figures = alone(tmp_path, LONG)
    one, two = newest(tmp_path), newest(done[0]["long"])
    assert largest(one, two) < TOLERANCE
    before = load_file(cloned / "model.safetensors")
    moved = {s: max(float((one[f"{s}/{n}"] - w).abs().max()) for n, w in before.items()) for s in ("model", "teacher")}
    assert min(moved.values()) > 100 * TOLERANCE  # there was something to differ in
    same_metrics(tmp_path, done[0]["long"])
    theirs = done[1]["long"]
    assert theirs["counters"] == figures["counters"] and theirs["steps"] == 20
    assert all(theirs["counters"][m] for m in ("ema", "hint", "truncation", "cosine"))


def test_episodes_of_all_processes_are_written_with_what_the_teacher_said(done):
    for t in read_trajectories(done[0]["straight"] / "episodes"):
        assert t.distill_mask is not None and any(t.distill_mask)
        assert all((lp is not None) == k for lp, k in zip(t.teacher_logprobs, t.distill_mask, strict=True))


def test_progress_and_policy_come_from_the_first_process_once(done):
    folders, figures, lines = done
    assert [r["step"] for r in lines["long"]] == list(range(1, 21)) and lines["long"][0]["steps"] == 20
    policy = load_policy(folders["long"] / "policy")
    final = newest(folders["long"])
    assert all(torch.equal(p, final[f"model/{n}"]) for n, p in policy.model.named_parameters())
    assert figures["long"]["policy_digest"] == policy.digest
    assert not list(folders["long"].rglob(".*"))


def test_a_killed_process_ends_the_run_with_an_error_and_leaves_none(broken):
    _, status, seconds, left = broken
    assert status != 0 and seconds < 30 and not left


def test_a_killed_run_goes_on_as_if_nothing_had_happened(done):
    assert largest(newest(done[0]["resumed"]), newest(done[0]["straight"])) == 0
    assert [r["step"] for r in done[2]["resumed"]] == [4, 5, 6]
    names = ("metrics.jsonl", "config.json", "policy/model.safetensors")
    assert all((done[0]["resumed"] / n).read_bytes() == (done[0]["straight"] / n).read_bytes() for n in names)


def test_one_process_goes_on_where_two_were_and_two_where_one_was(done, broken, alone, tmp_path):
    straight = newest(done[0]["straight"])
    shutil.copytree(broken[0], tmp_path / "run")
    alone(tmp_path / "run", SHORT)
    assert largest(newest(tmp_path / "run"), straight) < TOLERANCE
    assert largest(newest(done[0]["joined"]), straight) < TOLERANCE
    assert [r["step"] for r in done[2]["joined"]] == [4, 5, 6]
    same_metrics(tmp_path / "run", done[0]["joined"])


def test_a_process_without_a_prompt_or_an_item_takes_part(done, alone, tmp_path):
    """With activations computed again, and one step off, on the side."""
    alone(tmp_path, LONE)
    assert largest(newest(tmp_path), newest(done[0]["lone"])) < TOLERANCE
    same_metrics(tmp_path, done[0]["lone"])
    assert max(line.get("/gradient_distill", 0) for line in metrics(tmp_path)) > 0


def test_cloning_is_divided_too(done, made, tmp_path):
    figures = train_bc(*made, tmp_path, CLONE, 0)
    assert largest(newest(tmp_path), newest(done[0]["clone"])) < TOLERANCE
    same_metrics(tmp_path, done[0]["clone"])
    theirs = done[1]["clone"]
    assert theirs["loss"] == pytest.approx(figures["loss"], abs=TOLERANCE) and theirs["steps"] == 5
    assert theirs["demonstrations"] == figures["demonstrations"] == 20


@pytest.mark.skipif(not HAS_PEFT, reason="needs peft (extra lora)")
def test_an_adapter_is_trained_sharded_and_merged_into_the_policy(done, alone, tmp_path):
    alone(tmp_path, ADAPTER)
    out = done[0]["adapter"]
    one, two = newest(tmp_path), newest(out)
    assert all("lora_" in k or k.startswith("optimiser") for k in two)
    assert max(float((one[k] - two[k]).abs().max()) for k in one) < TOLERANCE
    ours, theirs = (load_file(d / "policy" / "model.safetensors") for d in (tmp_path, out))
    assert ours.keys() == theirs.keys() and not any("lora" in k for k in theirs)
    assert max(float((ours[k] - theirs[k]).abs().max()) for k in ours) < TOLERANCE
    assert load_file(out / "adapter" / "adapter_model.safetensors").keys() == (
        load_file(tmp_path / "adapter" / "adapter_model.safetensors").keys()
    )


def test_each_process_writes_its_shards_and_nothing_else(done):
    at = max((done[0]["straight"] / "checkpoints").glob("step-*"))
    files = sorted(p.name for p in at.iterdir())
    sets = ("model", "optimiser", "reference", "rng", "teacher")
    assert files == sorted([f"{s}.rank-{r}-of-2.safetensors" for s in sets for r in (0, 1)] + ["state.json"])
    rows = [load_file(at / f"model.rank-{r}-of-2.safetensors")["lm_head.weight"].shape[0] for r in (0, 1)]
    assert sum(rows) == newest(done[0]["straight"])["model/lm_head.weight"].shape[0] and abs(rows[0] - rows[1]) <= 1


def test_a_checkpoint_that_lacks_a_shard_is_not_whole(done, tmp_path):
    folder = tmp_path / "checkpoints"
    shutil.copytree(done[0]["straight"] / "checkpoints", folder)
    run = json.loads((folder / "step-000006" / "state.json").read_text())["run"]
    (folder / "step-000006" / "teacher.rank-1-of-2.safetensors").unlink()
    with pytest.warns(UserWarning, match="step-000006 is damaged"):
        _, state, _ = load_checkpoint(folder, run)
    assert state["step"] == 3
    (folder / "step-000003" / "teacher.rank-1-of-2.safetensors").unlink()
    with pytest.raises(MedGymError, match="lacks parts"):
        stored_sets(folder / "step-000003")["teacher"]["lm_head.weight"]


def test_sharded_weights_do_not_sample(cloned, control, tmp_path, monkeypatch):
    monkeypatch.setattr("training.rl.join", lambda: Ranks(0, 2))
    with pytest.raises(MedGymError, match="cannot sample.*copy, or the URL"):
        start(cloned, control, None, tmp_path, msgspec.structs.replace(SHORT, actor="model"), 0)


@pytest.mark.parametrize("rank", [0, 1])
def test_a_server_gets_the_weights_once_and_every_process_proves_them(policy, monkeypatch, rank):
    """The first process sends; who samples later asks for the probe of those weights."""
    log = []

    class Server:
        adapter = ""

        def __init__(self, url):
            log.append(("open", url))

    class Sampler:
        def __init__(self, backend, stop_ids, *, version, probe, **sampling):
            self.backend = backend
            log.append(("sampler", version.rpartition("-")[2], probe is not None))

        def close(self):
            log.append("closed")

    class Both(Ranks):
        def gather(self, mine):
            return [*mine, *mine]

    def send(sampler, folder, probe):
        sent = load_file(folder / "model.safetensors")
        assert all(torch.equal(p, sent[n]) for n, p in policy.model.named_parameters())
        log.append("sent")

    monkeypatch.setattr("training.vllm_server.VLLMServer", Server)
    monkeypatch.setattr("training.vllm_sampler.VLLMSampler", Sampler)
    monkeypatch.setattr("training.weight_sync.sync_weights", send)
    monkeypatch.setattr("training.parallel.whole_model", lambda model, ranks: model if ranks.first else None)
    actor = actor_of("http://there", policy, Both(rank, 2))
    actor.sync()
    sending = [("open", "http://there"), ("sampler", "1", False), "sent", "closed"]
    assert log == (sending if rank == 0 else [])
    log.clear()
    actor.policy.sampler(greedy=True)
    assert log == [("open", "http://there"), ("sampler", "1", True)]
    actor.close()


def test_a_tied_head_is_refused(policy):
    model = copy.deepcopy(policy.model)
    model.get_output_embeddings().weight = model.get_input_embeddings().weight
    with pytest.raises(MedGymError, match="tied to the embedding"):
        shard(model, SHORT, Ranks(0, 2))


def test_what_a_job_refuses_is_told_in_one_line(tmp_path):
    (tmp_path / "jobs.json").write_text('[{"policy": "p", "out_dir": "o", "rl": {"algorithm": "grpo", "stepz": 1}}]')
    with pytest.raises(MedGymError, match="not a file of training jobs.*stepz"):
        read_jobs(tmp_path / "jobs.json")
    with pytest.raises(MedGymError, match="no such file of jobs"):
        read_jobs(tmp_path / "nothing.json")


def watched(others, seconds, *, over=None):
    """What process 0 of 2 says within some seconds, with a beat of 0.05 s and a patience of 0.4 s."""
    store, said, over = dist.HashStore(), [], over or threading.Event()
    thread = threading.Thread(target=watch, args=(store, 0, 2, said.append, over, 0.05, 0.4))
    thread.start()
    began = time.monotonic()
    while time.monotonic() < began + seconds and thread.is_alive():
        others(store, time.monotonic() - began)
        time.sleep(0.02)
    over.set()
    thread.join()
    return said, store.get("beat/0")


def test_a_silent_process_is_noticed_and_one_that_is_done_is_not():
    def beating(store, at):
        store.set("beat/1", str(at))

    def stopping(store, at):
        if at < 0.2:
            store.set("beat/1", str(at))

    def finishing(store, at):
        store.set("beat/1", "done")

    assert watched(beating, 1.0) == ([], b"done")
    assert watched(finishing, 1.0) == ([], b"done")
    said, last = watched(stopping, 5.0)
    assert said == ["process 1 of 2 has been silent for 0 s"] and last != b"done"
    assert watched(lambda store, at: None, 5.0)[0] == said  # never came


def gradients(cloned, episodes, config):
    """Gradient by name and figures of one update of a policy made ready as a run makes it; how often a layer ran."""
    model = load_policy(cloned, trained=config).model
    copies = [msgspec.structs.replace(t, shaped_reward=t.reward, advantages=[1.0] * len(t.sampled)) for t in episodes]
    items, method = prepare(copies), algorithm(config, model)
    with method.distillation.teacher.speaking() as teacher:
        for item, said in zip(items, ask_teacher(teacher, items, [[7, 8]] * len(items), 512), strict=True):
            item.teacher = said
    method.distillation.weight = 1.0
    ran = []
    model.model.layers[0].mlp.register_forward_pre_hook(lambda *_: ran.append(1))
    figures = update(model, torch.optim.SGD(model.parameters(), lr=1e-3), items, config, method)
    assert all(p.dtype == p.grad.dtype == torch.float32 for p in model.parameters())
    return {n: p.grad for n, p in model.named_parameters()}, figures, len(ran)


def test_bf16_trains_fp32_weights_to_about_the_same_loss(cloned, episodes):
    full, exact, _ = gradients(cloned, episodes, TTOPDConfig(max_grad_norm=1e9))
    rounded, rough, _ = gradients(cloned, episodes, TTOPDConfig(max_grad_norm=1e9, precision="bf16"))
    assert rough["loss"] == pytest.approx(exact["loss"], rel=0.02)
    a, b = (torch.cat([g.flatten() for g in found.values()]) for found in (full, rounded))
    assert not torch.equal(a, b) and float(torch.cosine_similarity(a, b, dim=0)) > 0.98


def test_activations_computed_again_give_the_same_gradients(cloned, episodes, monkeypatch):
    config = TTOPDConfig(max_grad_norm=1e9, gradient_checkpointing=True)
    again, same, twice = gradients(cloned, episodes, config)
    monkeypatch.setattr("training.update.recomputing", lambda model, config: nullcontext())  # kept, in the same batches
    plain, figures, once = gradients(cloned, episodes, config)
    assert twice == 2 * once and same == figures
    assert all(torch.equal(plain[n], again[n]) for n in plain)


def test_activations_are_computed_again_only_while_learning(cloned):
    """A layer that computes them again keeps no cache, which sampling needs."""
    config = TTOPDConfig(gradient_checkpointing=True)
    model = load_policy(cloned, trained=config).model
    layers = [m for m in model.modules() if isinstance(m, GradientCheckpointingLayer)]
    with recomputing(model, config):
        assert len(layers) == 2 and all(x.training and not x.mlp.training for x in layers)
    assert not any(m.training for m in model.modules())
    with recomputing(model, TTOPDConfig()):
        assert not any(m.training for m in model.modules())
