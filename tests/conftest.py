"""Loaded before every test file: `sfr_core` sets how OpenMP threads wait, which must happen before torch is imported."""

import os

if (
    "PYTEST_XDIST_WORKER" in os.environ
):  # one thread for each worker: two that wait for each other's cores are slower than one
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# What one test keeps on disk is nothing that another one finds.
os.environ["UNLEARNING_CACHE"] = "off"

import gc

import pytest

import sfr_core  # noqa: F401


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files with a browser come first: they take longest, and a long one begun last would end alone."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is None)


def pytest_collection_finish() -> None:
    """Modules stay: runs that end collect garbage, and would look through half a million objects of libraries each time."""
    gc.collect()
    gc.freeze()
