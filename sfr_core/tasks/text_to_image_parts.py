"""Which part of a text-to-image U-Net a method may change, and what it reads of prompts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sfr_core.configs import Trainable
from sfr_core.errors import InputError, quoted

CROSS = ".attn2."
"""In the names of the layers that read the prompt (diffusers' BasicTransformerBlock); .attn1. reads the picture itself."""
KEYS_VALUES = (".attn2.to_k.", ".attn2.to_v.")
OUTSIDE = ("time_embedding.", "conv_norm_out.", "conv_out.")
"""What ESD-u leaves alone beside cross-attention."""


def in_part(name: str, part: Trainable) -> bool:
    """Whether the weight of this name belongs to the slice."""
    return (
        part == "full"
        or (part == "cross-attention" and CROSS in name)
        or (part == "keys-values" and any(key in name for key in KEYS_VALUES))
        or (part == "without-cross-attention" and CROSS not in name and not name.startswith(OUTSIDE))
    )


def trained_part(unet: nn.Module, part: Trainable) -> dict[str, nn.Parameter]:
    """The weights of a slice by name.

    Raises:
        InputError: the network has no such part.
    """
    found = {name: weight for name, weight in unet.named_parameters() if in_part(name, part)}
    if not found:
        raise InputError(f"This network has no part '{part}'.", hint="Choose the trained part 'full'.")
    return found


def key_value_layers(unet: nn.Module) -> dict[str, nn.Linear]:
    """The projections of the text in every cross-attention layer, by name.

    Raises:
        InputError: there is none.
    """
    found = {
        name: module
        for name, module in unet.named_modules()
        if isinstance(module, nn.Linear) and f".{name}.".endswith(KEYS_VALUES)
    }
    if not found:
        raise InputError("This network reads no prompts.", hint="Choose a model with cross-attention.")
    return found


def check_prompts(tokenizer: Any, texts: Sequence[str]) -> None:
    """Refuses a prompt of which the tokenizer knows no word; the empty prompt is fine.

    Raises:
        InputError: such a prompt.
    """
    for text in texts:
        words = text.split()
        if words and not any(_known(tokenizer, word) for word in words):
            raise InputError(
                f"The model knows no word of the prompt '{quoted(text)}'.",
                hint="Ask in the words that it was trained with.",
            )


def _known(tokenizer: Any, word: str) -> bool:
    tokens = tokenizer(word, add_special_tokens=False).input_ids
    return bool(tokens) and tokenizer.unk_token_id not in tokens


class Prompts:
    """What the U-Net reads of prompts, by their numbers: the condition of a denoiser.

    The padding belongs to the states, as in training. A prompt longer than the encoder reads is cut.

    Args:
        pipeline: diffusers' StableDiffusionPipeline.
        texts: prompt number i, for i from 0 on.

    Attributes:
        states: of the prompts [n, tokens, d], float32. last: place of each prompt's last word [n].

    Raises:
        InputError: a prompt of which the tokenizer knows no word.
    """

    def __init__(self, pipeline: Any, texts: Sequence[str]) -> None:
        tokenizer: Any = pipeline.tokenizer
        check_prompts(tokenizer, texts)
        device = next(pipeline.text_encoder.parameters()).device
        self._known = len(texts)
        with torch.no_grad():
            self.states: Tensor = pipeline.encode_prompt(list(texts), device, 1, False)[0].float()
        limit = tokenizer.model_max_length
        lengths = [len(ids) for ids in tokenizer(list(texts), truncation=True, max_length=limit).input_ids]
        # Before the last word's place stands the begin, behind it the end of the text; an empty prompt has its end there.
        self.last = torch.tensor([max(1, n - 2) for n in lengths], device=device)

    def __call__(self, labels: Tensor) -> Tensor:
        return self.states[labels]

    def learn(self, states: Tensor) -> int:
        """Takes up a prompt by its states [1, tokens, d], which need not be those of any words; returns its number.

        It replaces the one before: the number decides the noise, so that the samples of two learned prompts can be compared.
        """
        self.states = torch.cat([self.states[: self._known], states.detach().to(self.states)])
        return self._known


class SoftPrompt:
    """A prompt of which one word is a free vector instead of a word (textual inversion, Gal et al., arXiv 2208.01618).

    Args:
        tokenizer, text_encoder: of the model; the encoder's weights are not changed.
        text: its last word is the free one.

    Attributes:
        start: what the last word is in the encoder's own vocabulary, [width].
    """

    def __init__(self, tokenizer: Any, text_encoder: Any, text: str) -> None:
        self._encoder = text_encoder
        device = next(text_encoder.parameters()).device
        limit = tokenizer.model_max_length
        found = tokenizer([text], padding="max_length", truncation=True, max_length=limit, return_tensors="pt")
        self._ids = found.input_ids.to(device)
        words = len(tokenizer(text, truncation=True, max_length=limit).input_ids)
        self._place = max(1, words - 2)
        self.start: Tensor = self._encoder.get_input_embeddings().weight[self._ids[0, self._place]].detach().clone()

    def states(self, vector: Tensor) -> Tensor:
        """States of the prompt [1, tokens, d] with `vector` [width] for its last word; a gradient flows to it."""
        place = torch.arange(self._ids.shape[1], device=vector.device)[:, None] == self._place

        def put(module: nn.Module, ids: tuple[Tensor, ...], found: Tensor) -> Tensor:
            return torch.where(place, vector.to(found.dtype), found)

        handle = self._encoder.get_input_embeddings().register_forward_hook(put)
        try:
            states: Tensor = self._encoder(self._ids)[0]
        finally:
            handle.remove()
        return states.float()
