"""The page's benchmark: what it reads of a real (empty) Gradio page, and the table of stored parts."""

from bench.page import answer, config_numbers, milliseconds, ratios, table
from bench.processes import Server, cpu_seconds


def test_an_empty_page_has_one_component_and_no_listener() -> None:
    with Server("empty") as server:
        found = config_numbers(server.url)
        assert (found["components"], found["listeners"]) == (1, 0)
        assert 1_000 < found["config_bytes"] < 20_000
        assert set(found["compressed"]) == {"/", "/config", "/theme.css"}
        asked = milliseconds(server, 5, lambda _: answer(server.url))
        # On a busy machine what the server does by itself in the meantime may outweigh five answers.
        assert asked["ms"] <= asked["ms_with_idle"]
        assert 0 < asked["ms_with_idle"] < 1_000
        pid = server.process.pid
    assert cpu_seconds(pid) == 0.0


def test_a_ratio_is_that_of_the_medians() -> None:
    page, empty = [[{"renderer": x} for x in xs] for xs in ((4.0, 5.0, 100.0), (0.1, 2.0, 3.0))]
    assert ratios(page, empty, ("renderer",)) == {"renderer": 2.5}


def test_an_idle_servers_share_is_a_line() -> None:
    assert "| share | 0.0703 |" in table({"idle": {"share": 0.0703, "over_seconds": 60}})
