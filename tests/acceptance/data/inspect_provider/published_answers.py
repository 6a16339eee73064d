"""A model provider for Inspect that answers each question with an answer somebody published. Needs no network."""

import json
from pathlib import Path
from typing import Any

from inspect_ai.model import GenerateConfig, ModelAPI, ModelOutput, ModelUsage, modelapi


@modelapi(name="published")
class PublishedAnswers(ModelAPI):
    """`--model published/NAME -M answers=FILE`: FILE is a JSON object, question -> answer."""

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig = GenerateConfig(),  # noqa: B008  (Inspect's own signature)
        answers: str = "",
        **model_args: Any,
    ) -> None:
        super().__init__(model_name, base_url, api_key, [], config)
        self.answers: dict[str, str] = json.loads(Path(answers).read_text(encoding="utf-8"))

    async def generate(
        self,
        input: list[Any],  # noqa: A002  (Inspect's own signature)
        tools: list[Any],
        tool_choice: Any,
        config: GenerateConfig,
    ) -> ModelOutput:
        """The published answer. The question stands below the instruction, after an empty line."""
        question = input[-1].text.partition("\n\n")[2]
        output = ModelOutput.from_content(self.model_name, self.answers[question])
        # Without usage Inspect counts tokens with tables that it would fetch from the internet.
        output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
        return output
