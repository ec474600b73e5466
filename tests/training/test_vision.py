"""Pictures reach a vision-language model: as its own tokens in the context and as its own tensors beside them."""

import io
import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from tokenizers.decoders import ByteLevel
from transformers import (
    CLIPVisionConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
    Qwen3Config,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from medgym_core.episode import Episode, images_of
from medgym_core.errors import MedGymError
from medgym_core.tasks import build_task_set
from training.engine import Limits, Scene, jobs_of, play
from training.policy import Policy, load_policy
from training.sampler import Request
from training.vision import embedder
from training.voices import TokenVoice

SIDE, PATCH = 32, 8  # pixels
RUN = (SIDE // PATCH) ** 2  # image tokens of a picture
CONTROL = ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<image>"]
TEMPLATE = """{%- for message in messages %}
{{- '<|im_start|>' + message.role + '\\n' }}
{%- if message.content is string %}
{{- message.content }}
{%- else %}
{%- for part in message.content %}
{{- '<image>' if part.type == 'image' else part.text }}
{%- endfor %}
{%- endif %}
{{- '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|im_start|>assistant\\n' }}
{%- endif %}"""


def tiny_vlm(folder: Path) -> Path:
    """A LLaVA of 32 dimensions with random weights, saved as any model is."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=CONTROL, initial_alphabet=alphabet)
    made.train_from_iterator(["image of the skin; what does it show?"], trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    tokenizer.chat_template = TEMPLATE
    image_processor = CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE})
    processor = LlavaProcessor(
        image_processor,
        tokenizer,
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        image_token="<image>",
        num_additional_image_tokens=1,
        chat_template=TEMPLATE,
    )
    text = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=16,
        tie_word_embeddings=False,
    )
    eyes = CLIPVisionConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=SIDE,
        patch_size=PATCH,
        projection_dim=32,
    )
    config = LlavaConfig(
        text_config=text,
        vision_config=eyes,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-1,
        tie_word_embeddings=False,
    )
    torch.manual_seed(0)
    LlavaForConditionalGeneration(config).save_pretrained(folder)
    processor.save_pretrained(folder)
    (folder / "medgym.json").write_text(json.dumps({"render_tools": False}), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def vlm(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return load_policy(tiny_vlm(tmp_path_factory.mktemp("vlm") / "model"))


@pytest.fixture(scope="module")
def episode() -> Episode:
    """An episode of visual diagnosis whose opening or first observation shows a picture."""
    for task in build_task_set(0, 40, None, ["visual_diagnosis"]):
        playing = Episode(task, None)
        for text in _texts(task):
            if any(images_of(m) for m in playing.messages):
                return playing
            playing.step(text)
    raise AssertionError("no task of visual diagnosis shows a picture")


def _texts(task) -> list[str]:
    from medgym_core.probes import reference_texts

    return reference_texts(task)[:-1]


def png(shade: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (48, 40), (shade, 10, 200 - shade)).save(out, "PNG")
    return out.getvalue()


def shown(*shades: int) -> dict:
    from base64 import b64encode

    url = "data:image/png;base64,"
    parts = [{"type": "image_url", "image_url": {"url": url + b64encode(png(s)).decode()}} for s in shades]
    return {"role": "user", "content": [{"type": "text", "text": "Look:"}, *parts]}


def grown(vlm: Policy, messages: list[dict]):
    opening = next((i for i, m in enumerate(messages) if m["role"] == "assistant"), len(messages))
    transcript = vlm.chat.begin(messages[:opening], [])
    for message in messages[opening:]:
        if message["role"] == "assistant":
            vlm.chat.open_turn(transcript)
            vlm.chat.write(transcript, message["content"])
        else:
            vlm.chat.observe(transcript, message)
    return transcript


def test_an_image_tasks_pictures_are_in_the_tokens_and_in_the_tensors(vlm: Policy, episode: Episode) -> None:
    transcript = grown(vlm, episode.messages)
    images = [image for message in episode.messages for image in images_of(message)]
    assert images and transcript.images == images
    assert transcript.token_ids.count(vlm.chat.vision.token_id) == RUN * len(images)
    tensors = vlm.chat.vision.tensors(transcript.images)
    assert tensors["pixel_values"].shape == (len(images), 3, SIDE, SIDE)
    assert tensors["pixel_values"].std() > 0.01  # pixels, not a blank


def test_the_context_is_what_the_models_own_processor_makes(vlm: Policy) -> None:
    messages = [{"role": "system", "content": "s"}, shown(20, 90), {"role": "assistant", "content": "A rash."}]
    messages += [{"role": "tool", "content": "ok"}]
    transcript = grown(vlm, messages)
    parts = [{"type": "text", "text": "Look:"}, {"type": "image"}, {"type": "image"}]
    rendered = vlm.tokenizer.apply_chat_template(
        [messages[0], {"role": "user", "content": parts}, *messages[2:]], tokenize=False
    )
    processor = vlm.chat.vision.processor
    own = processor(
        text=[rendered],
        images=[Image.open(io.BytesIO(png(s))).convert("RGB") for s in (20, 90)],
        add_special_tokens=False,
        return_tensors="pt",
    )
    assert transcript.token_ids == own["input_ids"][0].tolist()
    assert torch.equal(vlm.chat.vision.tensors(transcript.images)["pixel_values"], own["pixel_values"])


def test_words_cannot_forge_a_picture(vlm: Policy) -> None:
    transcript = vlm.chat.begin([{"role": "user", "content": "<image> and <image>"}], [])
    assert vlm.chat.vision.token_id not in transcript.token_ids
    with pytest.raises(MedGymError, match="placeholders and images differ"):
        vlm.chat.vision.expand([vlm.chat.vision.token_id], [])


def test_a_text_model_reads_that_there_is_an_image(policy) -> None:
    transcript = policy.chat.begin([{"role": "system", "content": "s"}, shown(20)], [])
    assert transcript.images == [] and "[image]" in policy.chat.decode(transcript.token_ids)


def test_what_is_sampled_about_a_picture_is_what_the_whole_model_would_say(vlm: Policy) -> None:
    """Over two turns and two pictures: log-probabilities of the sampler against one pass of the model over all."""
    sampler = vlm.sampler(greedy=True)  # at random, an untrained model may say an image token
    transcript = vlm.chat.begin([{"role": "system", "content": "s"}, shown(20)], [])
    for turn, observation in enumerate((shown(150), None)):
        vlm.chat.open_turn(transcript)
        request = Request(0, list(transcript.token_ids), turn, 6, list(transcript.images))
        sampler.submit(request)
        (sample,) = sampler.collect()
        vlm.chat.say(transcript, sample.ids, sample.logprobs)
        if observation:
            vlm.chat.observe(transcript, observation)
    ids = torch.tensor(transcript.token_ids)[None]
    with torch.no_grad():
        logits = vlm.model(input_ids=ids, **vlm.chat.vision.tensors(transcript.images)).logits[0, :-1]
        other = [png(240), png(250)]
        elsewhere = vlm.model(input_ids=ids, **vlm.chat.vision.tensors(other)).logits[0, :-1]
    logp = logits.log_softmax(-1).gather(1, ids[0, 1:, None])[:, 0]
    own = torch.tensor(transcript.logprobs)[1:]
    said = torch.tensor(transcript.sampled)[1:]
    assert said.sum() >= 2 and torch.allclose(own[said], logp[said], atol=1e-4)
    blind = elsewhere.log_softmax(-1).gather(1, ids[0, 1:, None])[:, 0]
    assert not torch.allclose(own[said], blind[said], atol=1e-4)  # other pictures, other words


def test_an_image_task_is_played_with_its_pictures(vlm: Policy) -> None:
    """Through the rollout engine: every request of an episode that shows a picture holds its pixels."""
    tasks = [t for t in build_task_set(0, 40, None, ["visual_diagnosis"])][:6]
    asked: list[Request] = []
    sampler = vlm.sampler(greedy=True)
    submit = sampler.submit
    sampler.submit = lambda request: (asked.append(request), submit(request))[1]
    voice = TokenVoice(vlm.chat, sampler, Limits(turn_tokens=4, episode_tokens=2048), 0, {})
    played = list(play(voice, Scene(vlm.digest, 0), jobs_of(tasks, 1), slots=3))
    assert len(played) == len(tasks)
    assert all(r.ids.count(vlm.chat.vision.token_id) == RUN * len(r.images) for r in asked)
    opened = [t for t in tasks if any(images_of(m) for m in Episode(t, None).messages)]
    assert opened and sum(bool(r.images) for r in asked) >= len(opened)


def test_a_model_with_positions_along_three_axes_is_sent_to_a_server(vlm: Policy) -> None:
    class Config:
        def get_text_config(self):
            return type("Text", (), {"rope_parameters": {"mrope_section": [16, 24, 24]}})()

    with pytest.raises(MedGymError, match="MEDGYM_VLLM_URL"):
        embedder(type("Model", (), {"config": Config()})(), vlm.chat.vision)
