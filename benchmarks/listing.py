"""`list_models(expand=["evalResults"])` of 1,000 models: with huggingface_hub, and what the server alone takes.

listing.py [--json]
"""

import statistics
import time
from pathlib import Path

import compare
import seed
from compare import Connection, Figure, Quiet, serving

MODELS = 1_000
PATH = f"/api/models?expand=evalResults&limit={MODELS}"


def main() -> None:
    given = compare.options(__doc__ or "")
    quiet = Quiet(given.quiet)
    compare.pin(compare.CLIENT_CORE)
    one = _figures(seed.board_hub(given.scratch, MODELS), "one result each", given.rounds, quiet, most=60)
    ten = _figures(seed.board_hub(given.scratch, 10 * seed.MAX_MODELS), "ten results each", given.rounds, quiet)
    compare.publish("listing", [*one, *ten], quiet, as_json=given.json)


def _figures(folder: Path, what: str, rounds: int, quiet: Quiet, most: float | None = None) -> list[Figure]:
    """The client's time and the server's share of it, for the models of this hub."""
    from huggingface_hub import HfApi

    served: list[float] = []
    client: list[float] = []
    with serving(compare.hub_server(folder)) as server:
        api, connection = HfApi(endpoint=server.url), Connection(server.url)
        request = connection.request("GET", PATH)
        for _ in range(rounds * 4):
            quiet.wait()
            start = time.perf_counter()
            answer = connection.send(request)
            served.append((time.perf_counter() - start) * 1e3)
            assert answer.status == 200, answer
            start = time.perf_counter()
            models = list(api.list_models(expand=["evalResults"], limit=MODELS))
            client.append((time.perf_counter() - start) * 1e3)
            assert len(models) == MODELS
        connection.close()
    note = f"{len(answer.body) / 1e6:.2f} MB"
    return [
        Figure(f"list_models of {MODELS:,} models, {what}", "ms", statistics.median(client), most=most),
        Figure(f"of this, until the server's answer is there ({what})", "ms", statistics.median(served), note=note),
    ]


if __name__ == "__main__":
    main()
