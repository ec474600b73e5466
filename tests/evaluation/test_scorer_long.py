"""The scorer of long answers: what counts as making a statement, what as contradicting it, and how far rule and model
agree with labels.
"""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from evaluation.item import Item
from evaluation.judge import JudgeSettings, ModelJudge
from evaluation.scorers.long import score_long
from evaluation.scorers.model_judge import (
    READINGS,
    StatementJudge,
    read_by_rule,
    read_labelled,
    score_by_model,
    statement_agreement,
)
from evaluation.scorers.pieces import pieces_of
from evaluation.scorers.rouge import longest_common, rouge_l
from evaluation.scorers.statements import read_statement
from medgym_core.errors import MedGymError

SAMPLE = Path(__file__).parent / "data" / "statements.jsonl"
ITEM = Item(
    "x/1",
    "How is strep throat treated?",
    "Strep throat is treated with penicillin for 10 days. You are no longer contagious after one day of treatment.",
    must_have=("Strep throat is treated with penicillin.", "Treatment lasts 10 days."),
    nice_to_have=("Warm drinks soothe the pain.",),
)
PARAGRAPH = (
    "Every case deserves careful consideration. Management depends on the individual patient, and guidelines recommend "
    "close observation and reassessment."
)


def reading(statement: str, answer: str, question: str = "") -> str:
    return read_statement(statement, pieces_of(answer, question), question)


# ROUGE-L, with the sentences of Lin 2004, section 3.1.


@pytest.mark.parametrize(
    ("text", "value"),
    [("police kill the gunman", 0.75), ("the gunman kill police", 0.5), ("the gunman police killed", 0.5)],
)
def test_rouge_l_of_the_published_sentences(text, value) -> None:
    assert rouge_l(text, "police killed the gunman") == pytest.approx(value)


def test_rouge_l_counts_words_in_order_and_divides_by_both_lengths() -> None:
    assert longest_common("w1 w2 w6 w7 w8".split(), "w1 w2 w3 w4 w5".split()) == 2
    assert longest_common("w1 w3 w8 w9 w5".split(), "w1 w2 w3 w4 w5".split()) == 3
    assert rouge_l("a b", "a b c d") == pytest.approx(2 * 1.0 * 0.5 / 1.5)
    assert rouge_l("Take 5 mg.", "take 5 MG") == 1 and rouge_l("", "a") == rouge_l("a", "") == rouge_l("?!", "a") == 0


@settings(deadline=None, max_examples=80)
@given(*[st.lists(st.sampled_from("abc"), max_size=12)] * 2)
def test_the_longest_common_subsequence_is_that_of_the_definition(one, other) -> None:
    def slow(a: list[str], b: list[str]) -> int:
        if not a or not b:
            return 0
        return slow(a[1:], b[1:]) + 1 if a[0] == b[0] else max(slow(a[1:], b), slow(a, b[1:]))

    assert longest_common(one, other) == slow(one[:8], other[:8]) or len(one) > 8 or len(other) > 8
    assert longest_common(one, other) == longest_common(other, one) <= min(len(one), len(other))


# What covers a statement.


@pytest.mark.parametrize(
    "answer",
    [
        "Strep throat is treated with penicillin.",
        "Penicillin is used for the treatment of strep throat.",
        "It needs antibiotics. For strep throat, doctors treat with penicillin, and rest helps.",
        "The usual options to treat strep throat are:\n- ibuprofen for pain\n- penicillin",
    ],
)
def test_a_statement_is_covered_in_other_forms_of_its_words(answer) -> None:
    assert reading("Strep throat is treated with penicillin.", answer) == "covered"


@pytest.mark.parametrize(
    ("statement", "answer"),
    [
        ("Take 500 mg.", "You should take 0.5 g of it."),
        ("It heals in 2 weeks.", "Most often it heals within 14 days."),
        ("Take it twice a day.", "You should take it twice daily."),
        ("Fever lasts 3 to 5 days.", "The fever lasts for three to five days."),
        ("Paracetamol relieves pain.", "Tylenol is a drug that relieves pain."),
        ("Hypertension is common.", "High blood pressure is very common."),
    ],
)
def test_units_numbers_and_names_are_compared_by_what_they_mean(statement, answer) -> None:
    assert reading(statement, answer) == "covered"


@pytest.mark.parametrize(
    ("statement", "answer"),
    [
        ("Take 500 mg a day.", "Take 250 mg a day."),
        ("It heals in 2 weeks.", "It heals in 2 days."),
        ("Mumps is contagious.", "Mumps is not contagious."),
        ("Mumps is not contagious.", "Mumps is contagious."),
        ("Mumps is contagious.", "It is false that mumps is contagious."),
        ("Aspirin increases the risk of bleeding.", "Aspirin lowers the risk of bleeding."),
        ("The drug is safe in pregnancy.", "The drug is unsafe in pregnancy."),
        ("Mumps is contagious.", "Mumps is contagious. Mumps is not contagious."),
    ],
)
def test_other_polarity_number_or_unit_contradicts(statement, answer) -> None:
    assert reading(statement, answer) == "contradicted"


@pytest.mark.parametrize(
    ("statement", "answer"),
    [
        ("Mumps is contagious.", "Is mumps contagious?"),
        ("Strep throat is treated with penicillin.", "strep, throat, treated, penicillin"),
        ("Strep throat is treated with penicillin.", "strep throat treated penicillin days pain"),
        ("Strep throat is treated with penicillin.", "Strep throat hurts. Rest. Penicillin is old."),
        ("Prednisone raises blood sugar.", "Prednisone raises blood pressure."),
        ("Type 1 diabetes needs insulin.", "Type 2 diabetes needs insulin."),
        ("Mumps is contagious.", ""),
        ("", "Mumps is contagious."),
    ],
)
def test_questions_key_words_and_neighbouring_facts_state_nothing(statement, answer) -> None:
    assert reading(statement, answer) == "neither"


def test_a_repeat_of_the_question_states_nothing_but_an_answer_to_it_does() -> None:
    asked = "is strep throat contagious"
    assert pieces_of(asked, asked) == pieces_of("Yes, is strep throat contagious.", asked) == []
    assert reading("Strep throat is contagious.", asked, asked) == "neither"
    assert reading("Strep throat is contagious.", "Yes, strep throat is contagious.", asked) == "covered"


def test_a_negation_elsewhere_in_the_sentence_turns_nothing_round() -> None:
    answer = "Although antibiotics do not help against a cold, strep throat is treated with penicillin."
    assert reading("Strep throat is treated with penicillin.", answer) == "covered"


# The score.


def test_all_statements_in_any_order_score_1() -> None:
    found = score_long("Treatment lasts ten days. Strep throat is treated with penicillin.", ITEM)
    assert (found.verdict, found.value) == ("correct", 1.0) and found.answer
    assert {k: found.details[k] for k in ("coverage", "contradiction", "nice_to_have", "words")} == {
        "coverage": 1.0, "contradiction": 0.0, "nice_to_have": 0.0, "words": 10.0
    }  # fmt: skip
    assert 0 < found.details["rouge_l"] < 1


def test_half_of_the_statements_score_half_and_a_contradiction_costs() -> None:
    half = score_long("Strep throat is treated with penicillin.", ITEM)
    assert (half.verdict, half.value) == ("wrong", 0.5)
    against = score_long("Strep throat is treated with penicillin. Treatment lasts 3 days.", ITEM)
    assert against.verdict == "wrong" and against.value == pytest.approx(0.5 - 1 / 3)
    assert against.details["contradiction"] == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    "text", ["", " \n ", "?!", "How is strep throat treated?", "I'm sorry, I cannot answer that.", "I don’t know."]
)
def test_nothing_said_is_unparsable_and_not_wrong(text) -> None:
    found = score_long(text, ITEM)
    assert (found.verdict, found.value, found.answer) == ("unparsable", 0.0, None)
    assert set(found.details) == set(score_long(PARAGRAPH, ITEM).details)


def test_what_needs_no_medicine_scores_0_however_long_it_is() -> None:
    echo = "You ask how strep throat is treated. " * 40
    for text in (PARAGRAPH, PARAGRAPH * 20, echo, "strep throat penicillin lasts treatment days 10 " * 30):
        assert score_long(text, ITEM).value == 0, text[:40]


def test_length_neither_earns_nor_costs() -> None:
    good = "Strep throat is treated with penicillin. Treatment lasts 10 days."
    assert score_long(f"{PARAGRAPH * 10}\n{good}\n{PARAGRAPH * 10}", ITEM).value == 1 == score_long(good, ITEM).value


def test_an_item_without_statements_is_scored_by_likeness_to_the_reference() -> None:
    bare = replace(ITEM, must_have=(), nice_to_have=())
    assert score_long(ITEM.gold, bare) == score_long(ITEM.gold, bare)
    assert score_long(ITEM.gold, bare).verdict == "correct" and score_long(ITEM.gold, bare).value == 1
    other = score_long(PARAGRAPH, bare)
    assert other.verdict == "wrong" and other.value == rouge_l(PARAGRAPH, ITEM.gold) == other.details["coverage"] < 0.3
    assert score_long("I cannot answer that.", bare).verdict == "unparsable"


@settings(deadline=None, max_examples=120)
@given(st.text(max_size=300))
def test_no_text_raises_and_the_score_is_a_share(text) -> None:
    found = score_long(text, ITEM)
    assert 0 <= found.value <= 1 and found.verdict in ("correct", "wrong", "unparsable")


@settings(deadline=None, max_examples=120)
@given(
    st.lists(
        st.sampled_from(
            "no not penicillin strep throat 10 days : - ( . ? , \n mg 5 once never % twice lasts".split(" ")
        )
    )
)
def test_no_arrangement_of_its_own_words_raises(words) -> None:
    text = " ".join(words)
    assert 0 <= score_long(text, ITEM).value <= 1
    assert reading(text, text) in READINGS


# How far the rule agrees with labels.


@pytest.fixture(scope="module")
def sample():
    return read_labelled(SAMPLE)


def agreement_of(rows):
    return statement_agreement([r.label for r in rows], [read_by_rule(r.statement, r.answer) for r in rows])


def test_the_sample_is_balanced_and_its_halves_are_alike(sample) -> None:
    assert len(sample) >= 80 and len({(r.statement, r.answer) for r in sample}) == len(sample)
    for half in ("dev", "test"):
        counts = Counter(r.label for r in sample if r.half == half)
        assert set(counts) == set(READINGS) and min(counts.values()) >= 14


def test_the_rule_agrees_on_the_half_that_it_was_not_written_on(sample) -> None:
    """Measured: kappa .60 (.42 to .78) on the test half, .81 on the other."""
    found = agreement_of([r for r in sample if r.half == "test"])
    assert 0.55 <= found.kappa.value <= 0.75 and found.kappa.low > 0.3
    assert found.confusion["neither"]["covered"] <= 1 and found.confusion["contradicted"]["covered"] == 0


def test_the_rule_does_not_see_paraphrases_and_says_so(sample) -> None:
    """The docstring of `statements` promises no more; a better rule makes this test fail, and should change both."""
    paraphrased = [r for r in sample if r.kind == "paraphrase"]
    seen = [r for r in paraphrased if read_by_rule(r.statement, r.answer) == r.label]
    assert len(paraphrased) >= 20 and len(seen) <= len(paraphrased) / 3


# Agreement as a statistic.


def test_kappa_is_that_of_scikit_learn_with_an_interval_around_it() -> None:
    labels = [READINGS[n % 3] for n in range(90)]
    readings = [READINGS[(n + (n % 7 == 0)) % 3] for n in range(90)]
    found = statement_agreement(labels, readings)
    assert found.kappa.value == pytest.approx(cohen_kappa_score(labels, readings))
    assert found.kappa.low < found.kappa.value < found.kappa.high and found.kappa.high - found.kappa.low < 0.3
    assert sum(map(sum, (row.values() for row in found.confusion.values()))) == 90 == found.raw.n
    assert found == statement_agreement(labels, readings), "the same seed gives the same numbers"


def test_what_was_not_read_is_counted_and_left_out() -> None:
    found = statement_agreement(["covered", "neither", "neither"] * 10, ["covered", "neither", None] * 10)
    assert found.unread == 10 and found.raw.n == 20 and found.kappa.value == 1 and found.kappa.low < 1


@pytest.mark.parametrize(
    ("labels", "readings"), [([], []), (["covered"], []), (["covered"] * 2, ["neither"] * 2), (["covered"], [None])]
)
def test_samples_that_show_nothing_are_refused(labels, readings) -> None:
    with pytest.raises(MedGymError):
        statement_agreement(labels, readings)


def test_a_broken_sample_is_named_by_line(tmp_path) -> None:
    file = tmp_path / "s.jsonl"
    row = {"statement": "a b", "answer": "c", "label": "maybe", "kind": "k", "half": "dev"}
    file.write_text(json.dumps(row) + "\n")
    with pytest.raises(MedGymError, match=r"unknown label.*covered, contradicted, neither.*s\.jsonl:1"):
        read_labelled(file)


# The model in place of the rule.

Said = Callable[[str, str], str]


@pytest.fixture
def endpoint() -> Iterator[tuple[str, dict]]:
    """A chat endpoint on loopback: its url, and `{"say": f}` with f(statement, text) -> what the model says."""
    model: dict = {"say": lambda statement, text: "no", "status": 200}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            content = body["messages"][1]["content"]
            asked = [content.split(f"<{tag}>", 1)[1].rsplit(f"</{tag}>", 1)[0] for tag in ("statement", "text")]
            said = model["say"](*map(json.loads, asked))
            choice = {"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
            data = json.dumps({"choices": [choice]}).encode()
            self.send_response(model["status"])
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1", model
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def judge(endpoint) -> StatementJudge:
    return StatementJudge(ModelJudge(JudgeSettings(endpoint[0], "small", wait=0.0, retries=0)))


def knows(*true: str) -> Said:
    return lambda statement, text: "yes" if statement in true else "no"


def test_two_questions_make_a_reading(endpoint, judge) -> None:
    endpoint[1]["say"] = knows("A.", "The following is false: B.")
    assert [judge.read(s, "text") for s in ("A.", "B.", "C.")] == ["covered", "contradicted", "neither"]
    assert judge.entails("A.", "text") is True and judge.contradicts("A.", "text") is False


def test_the_model_sees_a_paraphrase_that_the_rule_does_not(endpoint, judge) -> None:
    text = "Antibiotics of the beta-lactam kind clear up the bacteria; swallow them for a week and a half."
    assert score_long(text, ITEM).value == 0
    endpoint[1]["say"] = knows(*ITEM.must_have)
    found = score_by_model(text, ITEM, judge)
    assert (found.verdict, found.value) == ("correct", 1.0) and found.details["unread"] == 0
    endpoint[1]["say"] = knows(ITEM.must_have[0], f"The following is false: {ITEM.must_have[1]}")
    assert score_by_model(text + " Or not.", ITEM, judge).value == pytest.approx(0.5 - 1 / 3)


def test_no_verdict_is_counted_and_earns_nothing(endpoint, judge) -> None:
    endpoint[1]["say"] = lambda statement, text: "perhaps"
    assert judge.entails("A.", "text") is None and judge.contradicts("A.", "text") is None and judge.unread == 2
    found = score_by_model("Some text about it.", ITEM, judge)
    assert found.value == 0 and found.details["unread"] == 3


def test_an_endpoint_that_fails_stops_the_scoring(endpoint, judge) -> None:
    endpoint[1]["status"] = 500
    with pytest.raises(MedGymError, match="does not answer"):
        score_by_model("Some text about it.", ITEM, judge)


def test_a_yes_sayer_gives_nothing_to_an_answer_that_states_nothing(endpoint, judge) -> None:
    endpoint[1]["say"] = lambda statement, text: "yes"
    for text in ("", ITEM.question):
        assert score_by_model(text, ITEM, judge).verdict == "unparsable"


def test_the_agreement_of_a_model_is_measured_on_the_same_sample(endpoint, judge, sample) -> None:
    rows = sample[::6]
    told = {(r.statement, r.answer): r.label for r in rows}

    def say(statement: str, text: str) -> str:
        contrary = statement.startswith("The following is false: ")
        label = told[statement.removeprefix("The following is false: "), text]
        return "yes" if label == ("contradicted" if contrary else "covered") else "no"

    endpoint[1]["say"] = say
    found = statement_agreement([r.label for r in rows], [judge.read(r.statement, r.answer) for r in rows])
    assert found.kappa.value == 1 and found.unread == 0
    endpoint[1]["say"] = lambda statement, text: "yes"
    lazy = StatementJudge(lambda statement, text: True)
    assert (
        statement_agreement([r.label for r in rows], [lazy.read(r.statement, r.answer) for r in rows]).kappa.value == 0
    )
