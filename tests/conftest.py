"""Loaded before every test file: `sfr_core` sets how OpenMP threads wait, which must happen before torch is imported."""

import sfr_core  # noqa: F401
