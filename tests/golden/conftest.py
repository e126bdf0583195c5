"""One thread and float32, as the cases were recorded."""

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    assert torch.get_default_dtype() == torch.float32
    yield
    torch.set_num_threads(before)
