"""Questions about pictures load from the authors' files; absent pictures are counted, broken ones named."""

import csv
import json
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from evaluation.baselines import PARAGRAPH
from evaluation.benchmarks import BENCHMARKS, load_benchmark, pathvqa, pmc_vqa, quilt_vqa, slake, vqa_med_2021, vqa_rad
from evaluation.benchmarks.pictures import check_images, image_bytes, missing_images, picture_path
from evaluation.benchmarks.vqa import SPECS
from evaluation.item import Item
from medgym_core.errors import MedGymError

NAMES = ("vqa_rad", "slake", "pathvqa", "pmc_vqa", "vqa_med_2021", "quilt_vqa")
COLUMNS = ("Figure_path", "Question", "Answer", *(f"Choice {x}" for x in "ABCD"), "Answer_label")


def rad(number: int, **changes: Any) -> dict:
    return {
        "qid": number,
        "phrase_type": "test_freeform",
        "image_name": "a.jpg",
        "image_organ": "CHEST",
        "question": f"Is structure {number} seen?",
        "question_type": "PRES",
        "answer": "Yes",
        "answer_type": "CLOSED ",
        **changes,
    }


def slake_row(number: int, **changes: Any) -> dict:
    return {
        "qid": number,
        "img_name": "case1/source.jpg",
        "question": f"Which organ is number {number}?",
        "answer": "Liver, Spleen",
        "q_lang": "en",
        "modality": "CT",
        "answer_type": "OPEN",
        "content_type": "Organ",
        **changes,
    }


def path_row(name: str, questions: list, answers: list) -> dict:
    return {"img_id": name, "sentf": {"pvqa": questions}, "labelf": {"pvqa": answers}}


def quilt(number: int, **changes: Any) -> dict:
    return {
        "id": number,
        "image": "frame.jpg",
        "question": f"What does arrow {number} show?",
        "answer": "The arrow shows a gland.",
        "answer_type": "OPEN",
        "context": "the narrator gives the answer away",
        **changes,
    }


def pmc(number: int, **changes: str) -> dict:
    options = {f"Choice {x}": f" {x}:Option {x.lower()}" for x in "ABCD"}
    row = {"Figure_path": "f.jpg", "Question": f"Which, of {number}?", "Answer": "Option b", "Answer_label": "B"}
    return row | options | changes


def write(root: Path, name: str, data: Any) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return path


def write_csv(root: Path, rows: list[dict]) -> Path:
    path = root / pmc_vqa.FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [c for c in COLUMNS if c in rows[0]])
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_med(root: Path, questions: dict[str, str], answers: str) -> Path:
    entries = [{"question": text, "question_id": name} for name, text in questions.items()]
    write(root, vqa_med_2021.QUESTIONS, {"questions": entries})
    return write(root, vqa_med_2021.ANSWERS, answers)


def picture(path: Path, mode: str = "RGB", form: str = "JPEG") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, (9, 7)).save(path, format=form)
    return path


def test_all_six_are_registered_with_their_facts() -> None:
    assert tuple(spec.name for spec in SPECS) == NAMES
    assert all(BENCHMARKS[name].licence and BENCHMARKS[name].source and BENCHMARKS[name].obtain for name in NAMES)


def test_vqa_rad_takes_the_test_part_and_numbers_as_answers(tmp_path: Path) -> None:
    rows = [rad(1), rad(2, phrase_type="freeform"), rad(3, phrase_type="test_para", answer=2, answer_type="OPEN")]
    write(tmp_path, vqa_rad.FILE, rows)
    one, two = vqa_rad.load(tmp_path)
    assert (one.id, one.gold, one.group, one.cluster) == ("vqa_rad/1", "Yes", "CLOSED/CHEST", "vqa_rad/a.jpg")
    assert (two.id, two.gold, two.group) == ("vqa_rad/3", "2", "OPEN/CHEST")
    assert one.images == (tmp_path / vqa_rad.IMAGES / "a.jpg",) and one.cluster == two.cluster


def test_slake_takes_the_english_questions(tmp_path: Path) -> None:
    write(tmp_path, slake.FILE, [slake_row(1, q_lang="zh"), slake_row(2)])
    (item,) = slake.load(tmp_path)
    assert (item.id, item.group, item.cluster) == ("slake/2", "OPEN/CT", "slake/case1/source.jpg")
    assert item.images == (tmp_path / slake.IMAGES / "case1" / "source.jpg",)
    assert BENCHMARKS["slake"].score("spleen and liver", item).value == 1


def test_pathvqa_pairs_questions_with_answers_and_keeps_a_repeated_pair_once(tmp_path: Path) -> None:
    asked = ["Where is it?", "Is it seen?", "Where is it?", "Where is it?"]
    said = [{"in heart": 1}, {"yes": 1}, {"in heart": 1}, {"lung": 1}]
    write(tmp_path, pathvqa.FILE, [path_row("test_0000", [], []), path_row("test_0001", asked, said)])
    items = pathvqa.load(tmp_path)
    assert [(i.gold, i.group) for i in items] == [("in heart", "OPEN"), ("yes", "CLOSED"), ("lung", "OPEN")]
    assert {i.cluster for i in items} == {"pathvqa/test_0001"}
    write(tmp_path, pathvqa.FILE, [path_row("test_0001", asked[1:], said[1:])])
    assert {i.id for i in pathvqa.load(tmp_path)} == {i.id for i in items}


def test_vqa_med_accepts_every_reference_and_unquotes(tmp_path: Path) -> None:
    lines = 'p2|a "cyst"\np1|acl injury|"a ""drowned"" lobe"\n'
    write_med(tmp_path, {"p1": "what is abnormal?", "p2": "what is seen?"}, lines)
    one, two = vqa_med_2021.load(tmp_path)
    assert (one.id, one.gold, one.accepted) == ("vqa_med_2021/p1", "acl injury", ('a "drowned" lobe',))
    assert two.gold == 'a "cyst"' and two.accepted == ()
    assert one.images[0].name == "p1.jpg" and one.cluster != two.cluster


def test_pmc_vqa_options_lose_their_letters_and_every_letter_can_win(tmp_path: Path) -> None:
    rows = [pmc(i, Answer_label=letter) for i, letter in enumerate("ABCD")]
    rows[0]["Question"] = 'Which "one", of\nthese?'
    write_csv(tmp_path, rows)
    items = pmc_vqa.load(tmp_path)
    assert items[0].question == 'Which "one", of these?'
    assert dict(items[1].options) == {x: f"Option {x.lower()}" for x in "ABCD"}
    spec = BENCHMARKS["pmc_vqa"]
    assert [[spec.score(x, item).value for x in "ABCD"] for item in items] == [
        [float(x == y) for x in "ABCD"] for y in "ABCD"
    ]


def test_pmc_vqa_reads_the_form_with_the_letter_under_answer(tmp_path: Path) -> None:
    row = pmc(1, Answer="C")
    del row["Answer_label"]
    write_csv(tmp_path, [row])
    assert pmc_vqa.load(tmp_path)[0].gold == "C"


def test_quilt_vqa_closed_gold_is_yes_or_no_and_the_context_is_not_shown(tmp_path: Path) -> None:
    closed = quilt(2, answer="Yes, there are glands.", answer_type="CLOSED", yes_no_answer="Yes")
    write(tmp_path, quilt_vqa.FILE, [quilt(1), closed])
    one, two = quilt_vqa.load(tmp_path)
    assert (one.gold, one.group, two.gold, two.group) == ("The arrow shows a gland.", "OPEN", "yes", "CLOSED")
    assert one.cluster == two.cluster and "narrator" not in repr((one, two))
    assert BENCHMARKS["quilt_vqa"].score("Yes, there are.", two).value == 1


BROKEN: list[tuple[Callable[[Path], Any], str, str]] = [
    (lambda r: write(r, vqa_rad.FILE, [rad(1), 7]), "vqa_rad", "entry 1"),
    (lambda r: write(r, vqa_rad.FILE, [rad(1), rad(2, answer=None)]), "vqa_rad", "entry 1 field answer"),
    (lambda r: write(r, vqa_rad.FILE, [rad(1), rad(1)]), "vqa_rad", "item stands twice"),
    (lambda r: write(r, vqa_rad.FILE, [rad(1, phrase_type="para")]), "vqa_rad", "no items"),
    (lambda r: write(r, vqa_rad.FILE, [rad(1, image_name="../x.jpg")]), "vqa_rad", "relative path"),
    (lambda r: write(r, vqa_rad.FILE, "[{"), "vqa_rad", "broken line"),
    (lambda r: write(r, slake.FILE, {"a": 1}), "slake", "expected a list"),
    (lambda r: write(r, slake.FILE, [slake_row(1, qid="1")]), "slake", "field qid"),
    (lambda r: write(r, slake.FILE, [slake_row(1, img_name="/etc/passwd")]), "slake", "relative path"),
    (lambda r: write(r, slake.FILE, [slake_row(1, answer=" ")]), "slake", "text is empty"),
    (lambda r: write(r, pathvqa.FILE, [path_row("t", ["Q?"], [])]), "pathvqa", "1 questions and 0 answers"),
    (lambda r: write(r, pathvqa.FILE, [path_row("t", ["Q?"], [{}])]), "pathvqa", "entry 0 question 0"),
    (lambda r: write(r, pathvqa.FILE, [path_row("t", [7], [{"a": 1}])]), "pathvqa", "entry 0 question 0"),
    (lambda r: write(r, pathvqa.FILE, [path_row("../t", ["Q?"], [{"a": 1}])]), "pathvqa", "relative path"),
    (lambda r: write(r, quilt_vqa.FILE, [quilt(1, answer_type="x")]), "quilt_vqa", "expected CLOSED or OPEN"),
    (
        lambda r: write(r, quilt_vqa.FILE, [quilt(1, answer_type="CLOSED", yes_no_answer="maybe")]),
        "quilt_vqa",
        "expected yes or no",
    ),
    (lambda r: write_csv(r, [pmc(1), pmc(2, Answer_label="E")]), "pmc_vqa", "test_clean.csv:3"),
    (lambda r: write_csv(r, [pmc(1, **{"Choice C": " "})]), "pmc_vqa", "Choice C"),
    (lambda r: write(r, pmc_vqa.FILE, 'Question\n"a"b"\n'), "pmc_vqa", "broken row"),
    (lambda r: write(r, pmc_vqa.FILE, "Question\nWhat?\n"), "pmc_vqa", "field is missing"),
    (lambda r: write_med(r, {"p1": "Q?"}, "p2|x\n"), "vqa_med_2021", "question without a reference"),
    (lambda r: write_med(r, {"p1": "Q?"}, "p1|x\np2|y\n"), "vqa_med_2021", "reference without a question"),
    (lambda r: write_med(r, {"p1": "Q?"}, "p1|x\np1|y\n"), "vqa_med_2021", "picture stands twice"),
    (lambda r: write_med(r, {"p1": "Q?"}, "\np1\n"), "vqa_med_2021", "4Evaluator.txt:2"),
]


@pytest.mark.parametrize("make, name, said", BROKEN)
def test_broken_files_are_named_with_their_place(tmp_path: Path, make: Callable, name: str, said: str) -> None:
    make(tmp_path)
    with pytest.raises(MedGymError) as error:
        load_benchmark(name, tmp_path)
    assert said in str(error.value) and name in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("name", NAMES)
def test_an_absent_file_is_an_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(MedGymError, match="no benchmark file"):
        load_benchmark(name, tmp_path)


def item_with(*paths: Path) -> Item:
    return Item("t/1", "What?", "x", images=paths)


def test_missing_pictures_are_listed_once_and_do_not_stop_the_check(tmp_path: Path) -> None:
    there, absent = picture(tmp_path / "a.jpg"), tmp_path / "b.jpg"
    items = [item_with(there), item_with(absent), item_with(there, absent)]
    assert missing_images(items) == [absent]
    assert check_images(items) == 1


@pytest.mark.parametrize("cut", ["text", "truncated", "empty"])
def test_a_broken_picture_is_an_error_that_names_the_file(tmp_path: Path, cut: str) -> None:
    path = tmp_path / "broken.jpg"
    Image.effect_noise((64, 64), 50).save(path, format="JPEG")
    data = path.read_bytes()
    path.write_bytes({"text": b"not a picture", "truncated": data[: len(data) // 2], "empty": b""}[cut])
    for check in (lambda: check_images([item_with(path)]), lambda: image_bytes(path)):
        with pytest.raises(MedGymError, match="broken picture.*broken.jpg"):
            check()


def test_picture_bytes_are_those_of_the_file_or_an_rgb_png(tmp_path: Path) -> None:
    for mode, form in (("RGB", "JPEG"), ("L", "JPEG"), ("RGB", "PNG")):
        path = picture(tmp_path / f"{mode}.{form}", mode, form)
        assert image_bytes(path) == path.read_bytes()
    for mode, form in (("CMYK", "JPEG"), ("P", "PNG"), ("RGBA", "PNG"), ("RGB", "BMP"), ("1", "TIFF")):
        made = Image.open(BytesIO(image_bytes(picture(tmp_path / f"{mode}.{form}", mode, form))))
        assert (made.format, made.mode, made.size) == ("PNG", "RGB", (9, 7))


def test_an_absent_picture_has_no_bytes(tmp_path: Path) -> None:
    with pytest.raises(MedGymError, match="cannot be read.*a.jpg"):
        image_bytes(tmp_path / "a.jpg")


@pytest.mark.parametrize("name", ["../a.jpg", "/a.jpg", "a/../../b.jpg", "", "a\\b.jpg", "c:a.jpg", "a\0.jpg", "."])
def test_a_picture_name_cannot_leave_its_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(MedGymError, match="relative path"):
        picture_path(tmp_path, name, "here")


def raw_count(root: Path, name: str) -> int:
    """Items in the authors' file, counted without the loader."""
    data = (root / BENCHMARKS[name].files[0]).read_text(encoding="utf-8")
    if name == "vqa_med_2021":
        return len(data.splitlines())
    rows = json.loads(data)
    if name == "pathvqa":
        pairs = [
            (r["img_id"], q, *a) for r in rows for q, a in zip(r["sentf"]["pvqa"], r["labelf"]["pvqa"], strict=True)
        ]
        return len(set(pairs))
    wanted = {"vqa_rad": lambda r: r["phrase_type"][:4] == "test", "slake": lambda r: r["q_lang"] == "en"}[name]
    return sum(map(wanted, rows))


@pytest.fixture(scope="module", params=["vqa_rad", "slake", "pathvqa", "vqa_med_2021"])
def loaded(request: pytest.FixtureRequest, real_data: Path):
    if not (real_data / BENCHMARKS[request.param].files[0]).exists():
        pytest.skip(f"the data folder has no {request.param}")
    return load_benchmark(request.param, real_data), real_data


def test_every_item_of_the_real_file_is_read(loaded) -> None:
    benchmark, root = loaded
    spec, items = benchmark.spec, benchmark.items
    assert 0 < len(items) == raw_count(root, spec.name) <= spec.published_items
    assert all(item.cluster and item.images and item.group for item in items)


def test_gold_scores_one_and_a_constant_exactly_its_share_on_the_real_file(loaded) -> None:
    benchmark, _ = loaded
    score, items = benchmark.spec.score, benchmark.items
    for item in items:
        for answer in (item.gold, *item.accepted, f"Answer: {item.gold}", f"The answer is {item.gold}."):
            assert score(answer, item).value == 1, (item.id, answer)
    for constant in ("yes", "no"):
        share = sum(item.gold.strip().lower() == constant for item in items)
        assert sum(score(constant, item).value for item in items) == share


def test_fixed_paragraph_echo_and_lists_score_nothing_on_the_real_file(loaded) -> None:
    benchmark, _ = loaded
    score, items = benchmark.spec.score, benchmark.items
    common = [gold for gold, _ in Counter(item.gold for item in items).most_common(8)]
    for shift in range(len(common)):  # each stands first and last once
        listed = common[shift:] + common[:shift]
        for text in (", ".join(listed), " or ".join(listed), "\n".join(listed[:-1])):
            assert sum(score(text, item).value for item in items) == 0, text
    assert sum(score(text, item).value for item in items for text in (PARAGRAPH, "Yes. No.")) == 0
    assert sum(score(item.question, item).value for item in items) == 0


def test_real_pictures_open_and_missing_ones_are_counted(loaded) -> None:
    benchmark, _ = loaded
    paths = {path for item in benchmark.items for path in item.images}
    assert check_images(benchmark.items) + len(missing_images(benchmark.items)) == len(paths)
