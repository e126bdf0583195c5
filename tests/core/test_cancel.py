"""The token: set from any thread, deadline, harmless twice."""

from __future__ import annotations

import threading
import time

from sfr_core.cancel import CancelToken


def test_set_from_another_thread_and_twice() -> None:
    token = CancelToken()
    assert not token.cancelled
    thread = threading.Thread(target=token.cancel)
    thread.start()
    thread.join()
    token.cancel()
    assert token.cancelled
    assert not token.timed_out


def test_deadline() -> None:
    token = CancelToken(deadline_seconds=0.05)
    far = CancelToken(deadline_seconds=3600)
    time.sleep(0.06)
    assert token.timed_out
    assert token.cancelled
    assert not far.cancelled
    far.cancel()
    assert far.cancelled
    assert not far.timed_out
