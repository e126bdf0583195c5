"""One of two processes that learn together; run by ops/test_ranks.py. Prints what it saw as one line of JSON."""

from __future__ import annotations

import json
import sys

import torch
from torch import nn

from sfr_core.cancel import CancelToken
from sfr_core.catalog.sfron import SFRonConfig
from sfr_core.configs import EpochConfig
from sfr_core.errors import InputError
from sfr_core.events import MaskReady, Step
from sfr_core.methods.finetune import finetune
from sfr_core.methods.sfron import sfron
from sfr_core.ops.ranks import average_gradients, join, processes, rank, rank_seed
from tests.core.tiny import tiny_task

torch.set_num_threads(1)


def main() -> None:
    try:
        join("retrain")
    except InputError as error:
        refused = str(error)
    join("sfr-on")
    seen: dict[str, object] = {"rank": rank(), "processes": processes(), "refused": refused}
    first, second = nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(2))
    first.grad = torch.tensor([1.0, 2.0]) * (rank() + 1)
    if rank():
        second.grad = torch.ones(2)
    average_gradients([first, second])
    assert second.grad is not None
    seen["gradients"] = [first.grad.tolist(), second.grad.tolist()]

    task = tiny_task()
    config = SFRonConfig(steps=3, forget_every=2, batch_size=8, fisher_batch_size=8, fisher_batches=3)
    rng = torch.Generator().manual_seed(rank_seed(0))
    seen["draw"] = float(torch.rand(1, generator=torch.Generator().manual_seed(rank_seed(0))))
    events = list(sfron(task, config, rng=rng, cancel=CancelToken()))
    seen["density"] = next(e.density for e in events if isinstance(e, MaskReady))
    seen["losses"] = [e.remain_loss for e in events if isinstance(e, Step)]
    seen["weights"] = [float(p.detach().double().sum()) for p in task.parameters().values()]

    cancel = CancelToken()
    done = 0
    for event in finetune(tiny_task(), EpochConfig(epochs=9, batch_size=8), rng=rng, cancel=cancel):
        done += isinstance(event, Step)
        if rank() and done == 2:
            cancel.cancel()
    seen["stopped_after"] = done
    print(json.dumps(seen))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
