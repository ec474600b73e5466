"""A folder of episodes: the same bytes however often it was killed, nothing twice, nothing lost."""

import json
import multiprocessing
import os
import random
import shutil
import signal
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import msgspec
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medgym_core.artifacts import digest_files
from medgym_core.errors import MedGymError
from training.control import ControlEpisode, control_tasks, explorer_texts
from training.engine import Lost, Scene, jobs_of, play
from training.players import FORMS, Player, Sampling, player
from training.recording import record_run
from training.spool import Spool
from training.trajectory import content_digest, iter_trajectories, read_trajectories
from training.trajectory_store import PART, Recording, path_name, plan
from training.voices import ScriptVoice

TASKS = control_tasks(24, 5)  # 30 tasks
N = 3


def texts(task, sample):
    return explorer_texts(SimpleNamespace(id=f"{task.id}/{sample}", numbers=task.numbers))


def scripted(costly=True, slots=4, say=texts, name="null:x/y"):
    @contextmanager
    def voice(limits, seed):
        yield ScriptVoice(say)

    return Player(name, name, voice, slots=slots, costly=costly)


def run(out, who=None, tasks=TASKS, n=N, seed=0, **named):
    return record_run(who or scripted(), tasks, n, seed, out, part=16, make_episode=ControlEpisode, **named)


def episode_files(out):
    return {name: digest for name, digest in digest_files(out).items() if name.startswith("domain=")}


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """A folder that nobody disturbed."""
    out = tmp_path_factory.mktemp("calm") / "run"
    assert run(out)["complete"]
    return out


def test_a_run_lies_in_parts_by_domain_and_policy(calm):
    names = sorted(p.relative_to(calm).as_posix() for p in calm.rglob("*") if p.is_file())
    parts = [f"domain=control/policy=null%3Ax%2Fy/part-{i:05d}.parquet" for i in range(6)]
    assert [n for n in names if n.startswith("domain=")] == parts
    assert [n for n in names if n.startswith("_facts/")] == [f"_facts/part-{i:05d}.parquet" for i in range(6)]
    assert {n for n in names if "/" not in n} == {".lock", "manifest.jsonl", "run.json"}
    found = read_trajectories(calm)
    assert [(t.task, t.sample) for t in found] == [(t.id, s) for t in TASKS for s in range(N)]
    assert all(t.milliseconds > 0 for t in found)  # kept beside, given back
    assert pq.read_table(calm / parts[0])["milliseconds"].null_count == 16
    assert list(iter_trajectories(calm)) == found
    assert read_trajectories(calm / parts[2]) == found[32:48]
    assert content_digest(read_trajectories(calm.parent)) == content_digest(found)  # a folder of runs


def test_memory_and_disk_spools_give_the_same_bytes_in_any_order(calm, tmp_path):
    files = episode_files(calm)
    for number, who in enumerate(
        (scripted(costly=False, slots=1), scripted(slots=30), scripted(costly=False, slots=7))
    ):
        run(tmp_path / str(number), who)
        assert episode_files(tmp_path / str(number)) == files
    records = list(enumerate(read_trajectories(calm)))
    random.Random(0).shuffle(records)
    parts = plan([t.domain for t in TASKS], N, 16)
    with Recording(tmp_path / "shuffled", {}, parts, "null:x/y") as recording:
        for place, t in records:
            recording.add(place, t)
        assert recording.finished == recording.total == 90 and not list(recording.missing())
    assert episode_files(tmp_path / "shuffled") == files


@settings(max_examples=15, deadline=None)
@given(stops=st.lists(st.integers(0, 40), max_size=6), torn=st.integers(0, 200), costly=st.booleans())
def test_stopped_anywhere_and_torn_anywhere_it_comes_out_the_same(calm, tmp_path_factory, stops, torn, costly):
    out = tmp_path_factory.mktemp("shaken") / "run"
    for after in stops:
        seen = []
        run(out, scripted(costly), progress=lambda done, total, f, seen=seen: seen.append(done),
            stopping=counted(after))  # fmt: skip
        for file in [*out.glob("_open/*.frames"), out / "manifest.jsonl"]:
            if file.is_file() and file.stat().st_size > torn and file.name != "manifest.jsonl":
                os.truncate(file, file.stat().st_size - torn)  # as if the process died while it wrote
            elif file.is_file():
                with open(file, "ab") as stream:
                    stream.write(b'{"part": 3, "fi')
    summary = run(out, scripted(costly))
    assert summary["complete"] and summary["episodes"] == 90 and not list(out.glob("_open/*"))
    assert episode_files(out) == episode_files(calm)
    assert content_digest(read_trajectories(out)) == content_digest(read_trajectories(calm))


def counted(after):
    """True from the `after`-th time on."""
    left = [after]

    def stopping():
        left[0] -= 1
        return left[0] < 0

    return stopping


def slowly(task, sample):
    time.sleep(0.004)
    return texts(task, sample)


def test_killed_five_times_every_episode_is_there_once_and_byte_identical(calm, tmp_path):
    out, rng, kept = tmp_path / "run", random.Random(7), []
    for _ in range(5):
        process = multiprocessing.get_context("fork").Process(target=run, args=(out, scripted(say=slowly)))
        process.start()
        time.sleep(rng.uniform(0.02, 0.15))  # the whole run takes 0.4 s and more
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        assert process.exitcode == -signal.SIGKILL
        kept.append(sum(f.stat().st_size for f in out.rglob("*") if f.is_file()) if out.is_dir() else 0)
    assert max(kept) > 0
    summary = run(out)
    assert summary["complete"] and summary["new"] < 90  # something was kept
    found = read_trajectories(out)
    assert [(t.task, t.sample) for t in found] == [(t.id, s) for t in TASKS for s in range(N)]
    assert episode_files(out) == episode_files(calm)


def test_a_part_cut_short_is_left_out_and_made_anew(calm, tmp_path):
    out = shutil.copytree(calm, tmp_path / "run")
    part = out / "domain=control/policy=null%3Ax%2Fy/part-00001.parquet"
    os.truncate(part, 1000)
    (part.parent / ".part-00002.parquet").write_bytes(b"half")
    assert len(read_trajectories(out)) == 90 - 16
    summary = run(out)
    assert summary["new"] == 16 and summary["complete"] and not list(out.rglob(".part-*"))
    assert episode_files(out) == episode_files(calm)
    assert run(out)["new"] == 0


def test_another_run_is_refused_with_what_differs(calm, tmp_path):
    out = shutil.copytree(calm, tmp_path / "run")
    before = episode_files(out)
    for named, told in (
        ({"seed": 3}, "seed 3"),
        ({"n": 2}, "n 2"),
        ({"who": scripted(name="oracle")}, "policy oracle"),
    ):
        with pytest.raises(MedGymError, match=f"other settings; got .*{told}"):
            run(out, **named)
    with pytest.raises(MedGymError, match="tasks "):
        run(out, tasks=TASKS[:-1])
    assert episode_files(out) == before
    (tmp_path / "flat").mkdir()
    shutil.copy(next(out.rglob("part-00000.parquet")), tmp_path / "flat" / "episodes.parquet")
    with pytest.raises(MedGymError, match="holds other episodes"):
        run(tmp_path / "flat")


def test_one_process_at_a_time_writes_a_folder(tmp_path):
    parts = plan([t.domain for t in TASKS], N, 16)
    with Recording(tmp_path, {}, parts, "x"), pytest.raises(MedGymError, match="another process is writing here"):
        Recording(tmp_path, {}, parts, "x")
    Recording(tmp_path, {}, parts, "x").close()


def test_an_episode_is_taken_once_and_in_its_place(calm, tmp_path):
    first, *_ = read_trajectories(calm)
    parts = plan([t.domain for t in TASKS], N, 16)
    with Recording(tmp_path, {}, parts, "null:x/y") as recording:
        recording.add(3, first)
        with pytest.raises(MedGymError, match="there already; got 3"):
            recording.add(3, first)
        with pytest.raises(MedGymError, match="no such episode"):
            recording.add(90, first)
        with pytest.raises(MedGymError, match="of another part"):
            recording.add(4, msgspec.structs.replace(first, domain="elsewhere"))
        with pytest.raises(MedGymError, match="number of turns|turns in|wrong length"):
            recording.add(4, msgspec.structs.replace(first, sampled=[True]))


def test_failed_episodes_are_listed_not_recorded_and_tried_again(calm, tmp_path):
    class Flaky(ScriptVoice):
        cursed = {3, 17, 18, 80}

        def begin(self, live):
            super().begin(live)
            self.lost = getattr(self, "lost", set()) | ({live.key} if live.job.place in self.cursed else set())

        def collect(self):
            return [Lost(said.key, "cut off") if said.key in self.lost else said for said in super().collect()]

    @contextmanager
    def voice(limits, seed):
        yield Flaky(texts)

    summary = run(tmp_path / "run", Player("null:x/y", "null:x/y", voice, slots=8))
    failed = [json.loads(line) for line in (tmp_path / "run/failed.jsonl").read_text().splitlines()]
    assert {f["place"] for f in failed} == Flaky.cursed and summary["failed"] == 4 and not summary["complete"]
    assert summary["episodes"] + len(failed) == 90 and failed[0]["reason"] == "cut off"
    again = run(tmp_path / "run")
    assert again["new"] == len(failed) and again["complete"] and not (tmp_path / "run/failed.jsonl").exists()
    assert episode_files(tmp_path / "run") == episode_files(calm)


def test_a_slow_episode_holds_no_slot_but_its_own_and_the_rest_waits_on_disk(tmp_path):
    parts = plan([t.domain for t in TASKS], N, 16)
    voice, last = SlowFirst(texts), []
    with Recording(tmp_path, {}, parts, "p") as recording:
        for place, t in play(voice, Scene("p", 0, make_episode=ControlEpisode), jobs_of(TASKS, N), slots=3):
            recording.add(place, t)
            last.append(place)
            assert not recording._held  # nothing in memory
    assert last[-1] == 0 and sorted(last) == list(range(90))
    assert len(read_trajectories(tmp_path)) == 90


class SlowFirst(ScriptVoice):
    """The first episode's words come when nothing else is left."""

    def collect(self):
        found = super().collect()
        others = [said for said in found if said.key != 0]
        self._ready.extend(said for said in found if said.key == 0 and others)
        return others or found


def test_parts_are_fixed_ranges_that_never_mix_domains():
    parts = plan(["a"] * 3 + ["b"] + ["a"], 4, 5)
    assert [(p.start, p.stop, p.domain) for p in parts] == [
        (0, 5, "a"), (5, 10, "a"), (10, 12, "a"), (12, 16, "b"), (16, 20, "a")
    ]  # fmt: skip
    assert plan([], 4) == [] and len(plan(["a"] * 1_000_000, 1)) == -(-1_000_000 // PART)


@given(st.text(max_size=300))
def test_names_are_one_harmless_part_of_a_path(name):
    escaped = path_name(name)
    assert "/" not in escaped and "\0" not in escaped and len(escaped.encode()) <= 120 and escaped.isascii()
    assert path_name(name + "x") != escaped


def test_an_unknown_policy_lists_the_valid_forms(tmp_path):
    for wrong in ("nowhere", "./nowhere", "a/b/c", "ftp:x/y"):
        with pytest.raises(MedGymError) as error:
            player(wrong)
        assert FORMS in str(error.value)
    with pytest.raises(MedGymError, match="did you mean 'null:interview'"):
        player("null:intervew")
    with pytest.raises(MedGymError, match="no model registry"):
        player("models:/medgym-policy@champion")
    with pytest.raises(MedGymError, match="no such model"):
        player("champion", resolve=lambda ref: str(tmp_path / ref))
    for bad in ({"temperature": 0.0}, {"top_p": 0.0}, {"top_p": 1.1}, {"top_k": -1}):
        with pytest.raises(MedGymError, match="bad sampling settings"):
            Sampling(**bad)


def test_a_model_plays_by_its_folder_or_its_alias(cloned, policy, tmp_path):
    from training.engine import Limits

    named = {"limits": Limits(16, 200), "part": 4, "make_episode": ControlEpisode}
    summary = record_run(player(str(cloned)), TASKS[:4], 2, 0, tmp_path / "a", slots=3, **named)
    resolved = player("champion", resolve=lambda ref: str(cloned))
    again = record_run(resolved, TASKS[:4], 2, 0, tmp_path / "b", slots=8, **named)
    assert summary["policy"] == again["policy"] == policy.digest
    assert episode_files(tmp_path / "a") == episode_files(tmp_path / "b") and summary["sampled_tokens"] > 0
    assert all(t.has_tokens and t.provenance["temperature"] == "1.0" for t in read_trajectories(tmp_path / "a"))


def test_what_is_added_after_a_torn_frame_is_not_lost(calm, tmp_path):
    records, file = read_trajectories(calm), tmp_path / "part.frames"
    for start, there in ((0, 0), (3, 2), (6, 4)):
        spool = Spool(file)
        assert len(spool) == there  # of three written, the torn one is gone
        for place in range(start, start + 3):
            spool.add(place, records[place])
        spool.close()
        os.truncate(file, file.stat().st_size - 5)
    spool = Spool(file)
    assert [spool.read(place) for place in (0, 1, 3, 4, 6, 7)] == [records[place] for place in (0, 1, 3, 4, 6, 7)]
    assert 2 not in spool and 8 not in spool
    spool.close()


class Endpoint(BaseHTTPRequestHandler):
    """Answers from what is asked alone, as long as the server's `answers` last."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.answers -= 1
        last = body["messages"][-1]["content"]
        said = f"submit {last[-1]}" if "shows" in last else ("pull east", "pull north")[body["seed"] % 2]
        choice = {"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
        whole = json.dumps({"choices": [choice]}).encode()
        self.send_response(200 if self.server.answers >= 0 else 404)
        self.send_header("Content-Length", str(len(whole)))
        self.end_headers()
        self.wfile.write(whole)

    def log_message(self, *_):
        """Quiet."""


def test_an_endpoint_that_goes_away_loses_nothing_and_scores_nothing(tmp_path):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        who = player(f"openai:http://127.0.0.1:{server.server_port}/v1#tiny")
        server.answers = 10**6
        assert run(tmp_path / "calm", who, TASKS[:8], slots=4)["complete"]
        server.answers = 21
        with pytest.raises(MedGymError, match=r"of 24 episodes are kept; the same call goes on"):
            run(tmp_path / "run", who, TASKS[:8], slots=4)
        server.answers = 10**6
        summary = run(tmp_path / "run", who, TASKS[:8], slots=2)
    finally:
        server.shutdown()
        server.server_close()
    assert summary["complete"] and 0 < summary["new"] < 24
    assert episode_files(tmp_path / "run") == episode_files(tmp_path / "calm")
    found = read_trajectories(tmp_path / "run")
    assert {t.policy for t in found} == {"openai:tiny"} and not any(t.has_tokens for t in found)
    with pytest.raises(MedGymError, match="half a chat endpoint"):
        player("openai:http://127.0.0.1:1/v1")
