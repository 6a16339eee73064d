"""`list_models(expand=["evalResults"])` of 1,000 models: with huggingface_hub, and what the server alone takes.

listing.py [--json]
"""

import statistics
import time

import compare
import seed
from compare import Connection, Figure, Quiet, serving

MODELS = 1_000
PATH = f"/api/models?expand=evalResults&limit={MODELS}"


def main() -> None:
    from huggingface_hub import HfApi

    given = compare.options(__doc__ or "")
    quiet = Quiet(given.quiet)
    folder = seed.board_hub(given.scratch, 10 * seed.MAX_MODELS)
    compare.pin(compare.CLIENT_CORE)
    served: list[float] = []
    client: list[float] = []
    with serving(compare.hub_server(folder)) as server:
        api, connection = HfApi(endpoint=server.url), Connection(server.url)
        request = connection.request("GET", PATH)
        for _ in range(given.rounds * 4):
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
    each = sum(len(model.eval_results or []) for model in models) / MODELS
    note = f"{each:g} results a model, {len(answer.body) / 1e6:.2f} MB"
    figures = [
        Figure(f"list_models of {MODELS:,} models with their results", "ms", statistics.median(client), most=60),
        Figure("of this, until the server's answer is there", "ms", statistics.median(served), note=note),
    ]
    compare.publish("listing", figures, quiet, as_json=given.json)


if __name__ == "__main__":
    main()
