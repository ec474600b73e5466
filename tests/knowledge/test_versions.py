"""Version folders: whole or not there, three kept, none removed under a reader, damage seen when one is opened."""

import multiprocessing
import os
import time
from pathlib import Path

import pytest

from medgym_core.errors import MedGymError
from medgym_core.knowledge import versions


def make(out: Path, digest: str) -> versions.Version:
    with versions.building(out) as work:
        (work / "lexicon").mkdir()
        (work / "lexicon" / "words.json").write_text(f'["{digest}"]')
        with open(work / "vectors.npy", "wb") as file:
            file.truncate(versions.LARGE)
        return versions.publish(work, out, {"digest": digest})


def test_published_version_is_the_current_one_and_the_last_three_are_kept(tmp_path):
    for digest in "abcde":
        made = make(tmp_path, digest)
        assert versions.current(tmp_path).digest == made.digest == digest
    assert versions.published(tmp_path) == ["e", "d", "c"]
    assert sorted(p.name for p in (tmp_path / "versions").iterdir()) == [".locks", "c", "d", "e"]


def test_going_back_makes_an_old_version_the_latest_published(tmp_path):
    for digest in "abc":
        make(tmp_path, digest)
    assert versions.point_to(tmp_path, "a").digest == versions.current(tmp_path).digest == "a"
    make(tmp_path, "d")
    assert versions.published(tmp_path) == ["d", "a", "c"]
    with pytest.raises(MedGymError, match="no version of a knowledge base"):
        versions.point_to(tmp_path, "z")
    assert versions.current(tmp_path).digest == "d"


def test_version_in_use_is_not_removed_until_its_reader_ends(tmp_path):
    make(tmp_path, "a")
    with versions.hold(tmp_path) as held:
        for digest in "bcde":
            make(tmp_path, digest)
        assert (held.folder / "lexicon" / "words.json").read_text() == '["a"]'
        with versions.hold(tmp_path / "versions" / "a") as again:
            assert again == held
    assert versions.prune(tmp_path) == ["a"] and not held.folder.exists()


def _publish_many(out: str, digests: str) -> None:
    for digest in digests:
        make(Path(out), digest)


def test_readers_during_many_builds_always_find_a_whole_version(tmp_path):
    make(tmp_path, "start")
    context = multiprocessing.get_context("spawn")
    names = ["abcdefghij", "klmnopqrst"]  # two builders at once, twenty versions
    builders = [context.Process(target=_publish_many, args=(str(tmp_path), text)) for text in names]
    for builder in builders:
        builder.start()
    seen = set()
    while any(builder.is_alive() for builder in builders):
        with versions.hold(tmp_path) as held:
            assert (held.folder / "lexicon" / "words.json").read_text() == f'["{held.digest}"]'
            seen.add(held.digest)
    assert all(builder.exitcode == 0 for builder in builders)
    assert len(seen) > 1 and versions.current(tmp_path).digest in "jt" and len(versions.published(tmp_path)) == 3


def _hold_the_lock(out: str, ready) -> None:
    with versions.building(Path(out)):
        ready.set()
        time.sleep(0.5)


def test_second_builder_waits_and_says_for_which_process(tmp_path):
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    other = context.Process(target=_hold_the_lock, args=(str(tmp_path), ready))
    other.start()
    assert ready.wait(60)
    told = []
    with versions.building(tmp_path, told.append) as work:
        assert work.is_dir() and not list(work.iterdir())
    other.join()
    assert told == [f"waiting for another build of {tmp_path}, process {other.pid}"]
    with versions.building(tmp_path, told.append):
        assert len(told) == 1  # nobody to wait for


def test_what_a_killed_build_left_is_removed_by_the_next(tmp_path):
    left = tmp_path / "versions" / ".work-killed"
    left.mkdir(parents=True)
    (left / "half").write_text("x")
    make(tmp_path, "a")
    assert not left.exists() and versions.published(tmp_path) == ["a"]


@pytest.mark.parametrize("spoil", ["small", "large", "absent", "facts"])
def test_damaged_version_is_refused_when_opened(tmp_path, spoil):
    folder = make(tmp_path, "a").folder
    if spoil == "small":
        (folder / "lexicon" / "words.json").write_text('["b"]')
    elif spoil == "large":
        os.truncate(folder / "vectors.npy", 10)
    elif spoil == "absent":
        (folder / "vectors.npy").unlink()
    else:
        (folder / "version.json").write_text('{"digest": "a"')
    with pytest.raises(MedGymError, match="damaged version|no version of a knowledge base"):
        versions.hold(tmp_path)
    assert not versions.intact(tmp_path, "a")
    make(tmp_path, "a")  # built again, it replaces the damaged one
    assert versions.current(tmp_path).digest == "a"


def test_changed_byte_of_a_large_file_is_found_by_reading_it_whole(tmp_path):
    version = make(tmp_path, "a")
    assert versions.damaged(version) == []
    with open(version.folder / "vectors.npy", "r+b") as file:
        file.seek(1000)
        file.write(b"x")
    assert versions.damaged(version) == ["vectors.npy"] and not versions.intact(tmp_path, "a")


def test_nothing_published_is_an_error(tmp_path):
    for open_it in (versions.current, versions.hold):
        with pytest.raises(MedGymError, match="no knowledge base"):
            open_it(tmp_path)


def test_copied_version_opens_without_its_out(tmp_path):
    import shutil

    shutil.copytree(make(tmp_path / "out", "a").folder, tmp_path / "copy")
    with versions.hold(tmp_path / "copy") as held:
        assert held.digest == "a" and held.collection == "passages-a"


def test_version_digest_names_passages_encoder_and_parameters():
    digest = versions.version_digest("p", "e", {"k1": 0.9, "b": 0.4})
    assert digest == versions.version_digest("p", "e", {"b": 0.4, "k1": 0.9})
    others = [("q", "e", {"k1": 0.9, "b": 0.4}), ("p", "f", {"k1": 0.9, "b": 0.4}), ("p", "e", {"k1": 1.2, "b": 0.4})]
    assert len({versions.version_digest(*other) for other in others} | {digest}) == 4
