"""Loaded before every test file: `sfr_core` sets how OpenMP threads wait, which must happen before torch is imported."""

import os

if (
    "PYTEST_XDIST_WORKER" in os.environ
):  # one thread for each worker: two that wait for each other's cores are slower than one
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import sfr_core  # noqa: F401
