"""A vLLM engine in this process's care as the engine of `training.vllm_sampler.VLLMSampler`.

vLLM is imported when the engine starts. The engine itself runs in a child process; a failure of it is not tried again,
since the same engine would fail again. Options are those of `vllm.AsyncEngineArgs`, such as `dtype`, `max_model_len`,
`gpu_memory_utilization`, `enable_lora`.
"""

import io
from collections import Counter
from typing import Any

from training.endpoint import Failure, SamplerError, UnreadableAnswer
from training.sampler import Sample
from training.vllm_sampler import Answer, Job


class VLLMEngine:
    """A `training.vllm_sampler.Backend` for the model in `folder` (or a hub name)."""

    def __init__(self, folder: str, **options: Any):
        self.folder = str(folder)
        self.options = options
        self.counts: Counter[str] = Counter()
        self.most_tokens = 0
        self._engine: Any = None
        self._adapter: Any = None
        self._sent = 0  # requests so far, for their names

    async def open(self) -> None:
        from vllm import AsyncEngineArgs
        from vllm.v1.engine.async_llm import AsyncLLM

        args = AsyncEngineArgs(
            model=self.folder,
            logprobs_mode="processed_logprobs",
            generation_config="vllm",  # the folder's own sampling settings count for nothing
            enable_prefix_caching=True,
            **self.options,
        )
        self._engine = AsyncLLM.from_engine_args(args)
        self.most_tokens = self._engine.model_config.max_model_len

    async def complete(self, job: Job) -> Sample:
        prompt: dict[str, Any] = {"prompt_token_ids": job.prompt, "cache_salt": job.salt}
        if job.request.images:
            prompt["multi_modal_data"] = {"image": [_picture(png) for png in job.request.images]}
        output = await self._generate(prompt, job.params, job.request.key)
        turn = output.outputs[0]
        ids = list(turn.token_ids)
        by_place = turn.logprobs or []
        answer = Answer(
            list(output.prompt_token_ids),
            ids,
            [t for t, at in zip(ids, by_place, strict=False) if t in at],
            [at[t].logprob for t, at in zip(ids, by_place, strict=False) if t in at],
            turn.finish_reason,
            turn.stop_reason,
        )
        try:
            sample = job.sample(answer)
        except UnreadableAnswer as error:
            raise SamplerError(str(error), kind=Failure.unreadable, key=job.request.key) from error
        self.counts["answers"] += 1
        self.counts["cached_tokens"] += output.num_cached_tokens or 0
        return sample

    async def prompt_logprobs(self, ids: list[int]) -> list[float]:
        params = {"max_tokens": 1, "temperature": 0.0, "prompt_logprobs": 0}
        output = await self._generate({"prompt_token_ids": ids}, params, None)
        return [at[t].logprob for t, at in zip(ids[1:], output.prompt_logprobs[1:], strict=True)]

    async def text(self, ids: list[int]) -> str:
        return self._engine.get_tokenizer().decode(ids, skip_special_tokens=False)

    async def load_adapter(self, name: str, folder: str) -> None:
        from vllm.lora.request import LoRARequest

        old = self._adapter
        self._adapter = LoRARequest(name, (old.lora_int_id if old else 0) + 1, folder)
        await self._engine.add_lora(self._adapter)
        if old is not None:
            await self._engine.remove_lora(old.lora_int_id)

    async def reload(self, folder: str) -> None:
        await self._engine.collective_rpc("reload_weights", kwargs={"weights_path": folder})
        self._adapter = None

    async def close(self) -> None:
        if self._engine is not None:
            self._engine.shutdown()
            self._engine = None

    async def _generate(self, prompt: dict[str, Any], params: dict[str, Any], key: int | None) -> Any:
        from vllm import SamplingParams
        from vllm.exceptions import VLLMError
        from vllm.sampling_params import RequestOutputKind
        from vllm.v1.engine.exceptions import EngineDeadError

        self._sent += 1
        self.counts["requests"] += 1
        shape = SamplingParams(**params, output_kind=RequestOutputKind.FINAL_ONLY)
        try:
            outputs = self._engine.generate(prompt, shape, str(self._sent), lora_request=self._adapter)
            *_, last = [output async for output in outputs]
        except EngineDeadError as error:
            raise SamplerError("the engine is dead", kind=Failure.unreachable, got=error, where=self.folder) from error
        except (VLLMError, ValueError) as error:  # a request that the engine does not take
            raise SamplerError("the engine refuses", kind=Failure.refused, key=key, got=error) from error
        return last


def _picture(png: bytes) -> Any:
    from PIL import Image

    return Image.open(io.BytesIO(png)).convert("RGB")
