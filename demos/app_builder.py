"""The page: Blocks, tabs, the visitor's token, limits, and nothing that asks another machine."""

from __future__ import annotations

import os
from typing import Any

# Before gradio is imported: it and huggingface_hub read these once.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("DISABLE_TELEMETRY", "1")
# Its downloads go on in a thread of their own whatever the progress bar raises, so that Stop would stop nothing.
os.environ.setdefault("HF_HUB_DISABLE_XET", "1")

import gradio as gr
from fastapi.exceptions import RequestValidationError
from starlette.middleware import Middleware

from demos import api, page_data, static_files, theme
from demos.compare import page as compare
from demos.context import PRIVATE, STORAGE_KEY, STORAGE_SECRET, PageContext
from demos.frames import EarlyScript
from demos.guard import GuardedBlocks
from demos.jobs import estimate, hardware, warm
from demos.jobs.book import Backend, JobBook, Limits, run_here
from demos.learn import page as learn
from demos.runs.page import Runs
from demos.server.addresses import Addresses
from demos.server.guard import unreadable
from demos.server.places import Places
from demos.server.serve import Server
from demos.server.sessions import CAPACITY
from demos.server.settings import Settings
from demos.text import server as server_texts
from demos.text import unlearn as copy
from demos.unlearn import header, recorded
from demos.unlearn import options as form_values
from demos.unlearn import page as unlearn
from demos.unlearn.form_settings import default_run
from sfr_core.errors import AssetError, InputError
from sfr_core.zoo import shipped as zoo

OPEN_TAB = """() => {
  const tab = new URLSearchParams(location.search).get('tab');
  if (tab) document.getElementById(`tab-${tab}-button`)?.click();
}"""
"""Opens the tab that the address names: ?tab=learn."""
QUEUE_REST = 0.02
"""Seconds between two looks of Gradio's queue for events; its own 0.001 (6.31) takes 8 % of a core on a server that nobody visits."""


class App:
    """The built page with its job book.

    Attributes:
        demo: the Blocks.
        book: all jobs of this process.
        timing: of the shipped models, once the page is served.
        server: what stands between the page and the network.
    """

    def __init__(self, demo: gr.Blocks, book: JobBook, timing: estimate.Timing, server: Server) -> None:
        self.demo, self.book, self.timing, self.server = demo, book, timing, server

    def launch(self, **changes: Any) -> Any:
        """Serves the page; GRADIO_SERVER_NAME and GRADIO_SERVER_PORT are honoured (127.0.0.1:7860).

        Args:
            changes: arguments of `gr.Blocks.launch` that replace the ones here (tests use them).
        """
        if not hardware.on_zerogpu():
            warm.up()
            # Where nothing is kept on disk, every start would time them again.
            if os.environ.get("UNLEARNING_CACHE") != "off":
                runs = [default_run(model) for model in form_values.shipped_models()]
                self.timing.start(runs, self.book.slot, lambda: self.book.busy)
        settings: dict[str, Any] = {
            "server_name": os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1"),
            "server_port": int(os.environ.get("GRADIO_SERVER_PORT", "7860")),
            "theme": theme.theme(),
            "css": theme.css(),
            "app_kwargs": {
                "middleware": [
                    *self.server.middleware(),
                    Middleware(page_data.Packed, minimum_size=1000, compresslevel=4),
                    Middleware(EarlyScript, head=static_files.early_head()),
                    Middleware(Places, folder=self.server.uploads.folder),
                ],
                "routes": [static_files.route(), page_data.route()],
                "lifespan": self.server.lifespan,
                "exception_handlers": {RequestValidationError: unreadable},
            },
            "footer_links": ["api", "settings"],
            "run_history": False,
            "enable_monitoring": False,
            "show_error": False,
            "max_file_size": "100mb",
            "state_session_capacity": CAPACITY,
            "ssr_mode": False,
            "mcp_server": False,
        }
        return self.demo.launch(**{**settings, **changes})


def build_app(*, backend: Backend | None = None, limits: Limits | None = None) -> App:
    """Builds the page.

    Args:
        backend: what computes; default this process, ZeroGPU inside a ZeroGPU Space, or the Ray cluster that the environment names.
        limits: see Limits; default what the environment says.

    Raises:
        AssetError: no model is installed. InputError: a setting of the environment is wrong.
    """
    settings = Settings.of_environment()
    if not zoo.cards():
        raise AssetError(copy.NO_MODELS)
    machine, first = hardware.detect(), recorded.read(form_values.first_model())
    timing = estimate.Timing()
    address = Addresses(settings.proxies)
    book = _book(settings, limits or Limits(public=settings.public), backend)
    with GuardedBlocks(title=copy.TITLE, analytics_enabled=False, delete_cache=(3600, 3600)) as demo:
        ctx = PageContext(
            book=book,
            browser=gr.BrowserState({"visitor": "", "job": ""}, storage_key=STORAGE_KEY, secret=STORAGE_SECRET),
            job=gr.State(""),
            address=address,
        )
        header.build(machine)
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab(copy.TABS["unlearn"], id="unlearn", elem_id="tab-unlearn"):
                fill = unlearn.build(ctx, timing, first, demo.load).fill
            with gr.Tab(copy.TABS["compare"], id="compare", elem_id="tab-compare") as tab:
                compare.build(ctx, tab)
            with gr.Tab(copy.TABS["learn"], id="learn", elem_id="tab-learn"):
                learn.build(first)
            with gr.Tab(copy.TABS["runs"], id="runs", elem_id="tab-runs") as tab:
                Runs(ctx, tab, fill)
        demo.load(None, js=OPEN_TAB, **PRIVATE)
        api.register(book, address)
    demo.queue(max_size=200, default_concurrency_limit=4)
    demo._queue.sleep_when_free = demo._queue.progress_update_sleep_when_free = QUEUE_REST
    return App(demo, book, timing, Server(settings))


def _book(settings: Settings, limits: Limits, backend: Backend | None) -> JobBook:
    told: dict[str, Any] = {
        "limits": limits,
        "expect": estimate.expect,
        "expect_race": estimate.expect_race,
        "on_end": estimate.learn,
    }
    if backend is not None or not settings.ray:
        return JobBook(backend or _backend(), **told)
    try:
        from demos.jobs.ray_cluster import Cluster
    except ImportError:
        raise InputError(server_texts.NO_RAY, hint=server_texts.NO_RAY_HINT) from None
    cluster = Cluster(settings.ray, cores=settings.ray_cores, deadline=limits.deadline)
    return JobBook(cluster.run, workers=cluster.workers, elsewhere=cluster.computes, **told)


def _backend() -> Backend:
    if hardware.on_zerogpu():
        from demos.jobs import zerogpu

        return zerogpu.run_there
    return run_here
