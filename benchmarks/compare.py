"""Measures fairly on a shared machine: one core a side, quiet moments, alternating rounds, medians, ratios in one run.

Every script here ends with `publish`, so that all speak the same `--json`: subject, time, machine, how idle it was,
and figures, each with what was measured, the bare baseline beside it, the ratio, the aim and whether it is met.
"""

import argparse
import http.client
import json
import os
import platform
import re
import select
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

SERVER_CORE, CLIENT_CORE = 0, 1
HERE = Path(__file__).resolve().parent
_IDLE_ENOUGH = 0.9


# --- what a script is told --------------------------------------------------------------------------------------------


def options(description: str, **more: Callable[[argparse.ArgumentParser], object]) -> argparse.Namespace:
    """The command line every benchmark takes; `more`: functions that add its own words."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--rounds", type=int, default=5, help="alternating rounds; figures are medians over them")
    parser.add_argument("--seconds", type=float, default=3, help="of each measurement")
    parser.add_argument("--quiet", type=float, default=20, help="wait at most so many seconds for an idle machine")
    parser.add_argument(
        "--scratch",
        type=Path,
        default=Path(tempfile.gettempdir()) / "evalcommons-benchmarks",
        help="folder for seeded hubs, kept between runs",
    )
    for add in more.values():
        add(parser)
    return parser.parse_args()


# --- a quiet machine --------------------------------------------------------------------------------------------------


@dataclass
class Quiet:
    """Waits for the machine to be idle before a measurement, and remembers how idle it was."""

    limit_s: float
    shares: list[float] = field(default_factory=list)

    def wait(self) -> None:
        """Return when both cores are idle, or when waiting any longer is no use."""
        end = time.monotonic() + self.limit_s
        while True:
            before = _ticks()
            time.sleep(0.4)
            spent = [b - a for a, b in zip(before, _ticks(), strict=True)]
            idle = (spent[3] + spent[4]) / max(1, sum(spent[:8]))
            if idle >= _IDLE_ENOUGH or time.monotonic() > end:
                self.shares.append(idle)
                return


def _ticks() -> list[int]:
    return [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]


def pin(core: int) -> None:
    """This process and its children run on one core from now on, where the system can do that."""
    if hasattr(os, "sched_setaffinity") and core < (os.cpu_count() or 1):
        os.sched_setaffinity(0, {core})


# --- servers ----------------------------------------------------------------------------------------------------------


class Server(NamedTuple):
    """A server that answers.

    url        without a slash at the end
    pid        of its process
    started_s  from the command to the line that says where it listens
    """

    url: str
    pid: int
    started_s: float

    def rss_mb(self) -> float:
        """Memory it holds now, in 10^6 bytes."""
        return _status_kb(self.pid, "VmRSS") * 1024 / 1e6


@contextmanager
def serving(command: Sequence[str | Path], core: int = SERVER_CORE, **env: str) -> Iterator[Server]:
    """The server that this command starts, on a core of its own; it has to print a line with its address."""
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            _on_core(core, command), stdout=subprocess.PIPE, stderr=errors, text=True, env={**os.environ, **env}
        )
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if found := re.search(r"http://[\w.:\[\]]+", line):
                    yield Server(found[0], process.pid, time.perf_counter() - start)
                    return
            errors.seek(0)
            raise SystemExit(f"{' '.join(map(str, command))} did not start:\n{errors.read()[-3000:]}")
        finally:
            process.terminate()
            process.wait(30)


def hub_server(folder: Path) -> list[str | Path]:
    """The command that serves the hub in this folder, as an operator types it."""
    return [Path(sys.executable).with_name("evalcommons"), "serve", "--data", folder, "--port", "0"]


def script(name: str, *words: object) -> list[str | Path]:
    """The command that runs another script of this folder."""
    return [sys.executable, HERE / name, *map(str, words)]


def peak_mb(pid: int) -> float:
    """The most memory a living process has held, in 10^6 bytes."""
    return _status_kb(pid, "VmHWM") * 1024 / 1e6


def _on_core(core: int, command: Sequence[str | Path]) -> list[str]:
    pinned = ["taskset", "-c", str(core)] if shutil.which("taskset") and core < (os.cpu_count() or 1) else []
    return [*pinned, *map(str, command)]


def _status_kb(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise KeyError(name)


# --- clients ----------------------------------------------------------------------------------------------------------


class Answer(NamedTuple):
    """What a server answered."""

    status: int
    head: bytes
    body: bytes


class Connection:
    """One kept-alive connection that costs its own side as little as Python can: about 15 µs a request."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host = f"{parts.hostname}:{parts.port}"
        self._socket = socket.create_connection((parts.hostname or "", parts.port or 80))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def request(self, method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
        """The bytes of a request; made once, sent often."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._host}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode() + body

    def send(self, request: bytes) -> Answer:
        """Send a request and read its whole answer."""
        self._socket.sendall(request)
        data = b""
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._more()
        head = data[:end]
        found = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        status = int(head[9:12])
        length = int(found[1]) if found and status != http.client.NOT_MODIFIED else 0
        parts, size = [data[end + 4 :]], len(data) - end - 4
        while size < length:
            parts.append(self._more())
            size += len(parts[-1])
        return Answer(status, head, b"".join(parts))

    def close(self) -> None:
        """Close it."""
        self._socket.close()

    def _more(self) -> bytes:
        part = self._socket.recv(1 << 18)
        if not part:
            raise ConnectionError("the server closed the connection")
        return part


def latency_ms(url: str, path: str, seconds: float, most: int = 5000, **headers: str) -> float:
    """Median time of one GET after another on one connection."""
    connection = Connection(url)
    request = connection.request("GET", path, **headers)
    times = []
    connection.send(request)
    end = time.perf_counter() + seconds
    while len(times) < most and time.perf_counter() < end:
        start = time.perf_counter()
        answer = connection.send(request)
        times.append(time.perf_counter() - start)
        if answer.status not in (200, 304):
            raise SystemExit(f"{path} answered {answer.status}: {answer.body[:300]!r}")
    connection.close()
    return statistics.median(times) * 1e3


def gets_per_second(url: str, path: str, seconds: float, connections: int = 8, **headers: str) -> float:
    """GETs a second over several connections: by wrk, or by a Python client where wrk is not installed."""
    if shutil.which("wrk"):
        command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "60s"]
        for name, value in headers.items():
            command += ["-H", f"{name.replace('_', '-')}: {value}"]
        done = subprocess.run(
            _on_core(CLIENT_CORE, [*command, url + path]), capture_output=True, text=True, check=True
        ).stdout
        if "Non-2xx" in done or "Socket errors" in done:
            raise SystemExit(f"{path}: {done}")
        found = re.search(r"Requests/sec:\s+([\d.]+)", done)
        assert found is not None
        return float(found[1])
    return _python_gets(url, path, seconds, connections, headers)


def _python_gets(url: str, path: str, seconds: float, connections: int, headers: dict[str, str]) -> float:
    """The same from Python: it tops out near 15,000 a second, so ratios of quick answers come out too near to 1."""
    opened = [Connection(url) for _ in range(connections)]
    request = opened[0].request("GET", path, **headers)
    by_socket = {one._socket: one for one in opened}
    for one in opened:
        one._socket.sendall(request)
    count, start = 0, time.perf_counter()
    while time.perf_counter() < start + seconds:
        for ready in select.select(list(by_socket), [], [])[0]:
            one = by_socket[ready]
            one.send(b"")
            one._socket.sendall(request)
            count += 1
    spent = time.perf_counter() - start
    for one in opened:
        one.close()
    return count / spent


def posts(url: str, requests: Iterable[Callable[[Connection], bytes]], connections: int) -> tuple[list[float], float]:
    """Send these requests over several connections; returns each one's time in ms, and how many a second."""
    waiting = iter(requests)
    mutex = threading.Lock()
    times: list[float] = []
    failures: list[Answer] = []

    def work() -> None:
        connection = Connection(url)
        while not failures:
            with mutex:
                make = next(waiting, None)
            if make is None:
                break
            request = make(connection)
            start = time.perf_counter()
            answer = connection.send(request)
            times.append((time.perf_counter() - start) * 1e3)
            if answer.status != http.client.OK:
                failures.append(answer)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(connections)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spent = time.perf_counter() - start
    if failures:
        raise SystemExit(f"refused with {failures[0].status}: {failures[0].body[:500]!r}")
    return times, len(times) / spent


# --- what comes out ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Figure:
    """One aim, and how near we are.

    ours, bare   what was measured, in `unit`; `bare` None: there is no baseline, the aim is about `ours` itself
    least, most  the aim: for the ratio ours / bare where there is a baseline
    ratio        median of the ratios round by round; None: that of the two medians
    note         what one has to know to read it
    """

    name: str
    unit: str
    ours: float
    bare: float | None = None
    least: float | None = None
    most: float | None = None
    ratio: float | None = None
    note: str = ""

    @property
    def compared(self) -> float:
        """The number that the aim is about."""
        if self.ratio is not None:
            return self.ratio
        return self.ours / self.bare if self.bare else self.ours

    @property
    def is_met(self) -> bool | None:
        """Is the aim reached? None: there is none."""
        if self.least is not None:
            return self.compared >= self.least
        return self.compared <= self.most if self.most is not None else None

    @property
    def aim(self) -> str:
        """The aim in words."""
        limit = self.least if self.least is not None else self.most
        if limit is None:
            return "-"
        sign = "≥" if self.least is not None else "≤"
        return f"{sign} {limit:g} of bare" if self.bare is not None else f"{sign} {limit:,g} {self.unit}"

    def as_dict(self) -> dict[str, Any]:
        """The figure for `--json`."""
        return {
            "name": self.name,
            "unit": self.unit,
            "ours": self.ours,
            "bare": self.bare,
            "ratio": self.compared if self.bare is not None else None,
            "aim": self.aim,
            "met": self.is_met,
            "note": self.note,
        }


def ratios(name: str, unit: str, ours: Sequence[float], bare: Sequence[float], **aim: Any) -> Figure:
    """A figure from rounds that alternated: medians, and the median of the rounds' ratios."""
    each = [a / b for a, b in zip(ours, bare, strict=True)]
    return Figure(name, unit, statistics.median(ours), statistics.median(bare), ratio=statistics.median(each), **aim)


def publish(subject: str, figures: Sequence[Figure], quiet: Quiet, *, as_json: bool) -> None:
    """Print what was measured, as a table or as JSON."""
    idle = {"median": statistics.median(quiet.shares), "lowest": min(quiet.shares)} if quiet.shares else None
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    machine = {
        "cores": os.cpu_count(),
        "cpu": _cpu(),
        "system": platform.platform(),
        "python": platform.python_version(),
    }
    if as_json:
        said = {"subject": subject, "at": now, "machine": machine, "idle": idle}
        print(json.dumps({**said, "figures": [figure.as_dict() for figure in figures]}, indent=1))
        return
    share = f"idle before each measurement: median {idle['median']:.2f}, lowest {idle['lowest']:.2f}" if idle else ""
    print(f"{subject}, {now}, {machine['cores']} cores ({machine['cpu']}), Python {machine['python']}; {share}\n")
    print("| what | ours | bare | ratio | aim | met |\n|---|---|---|---|---|---|")
    for figure in figures:
        bare = f"{_round(figure.bare)} {figure.unit}" if figure.bare is not None else "-"
        ratio = f"{figure.compared:.2f}" if figure.bare is not None else "-"
        met = {True: "yes", False: "NO", None: "-"}[figure.is_met]
        print(
            f"| {figure.name} | {_round(figure.ours)} {figure.unit} | {bare} | {ratio} | {figure.aim} | {met} |"
            + (f" {figure.note}" if figure.note else "")
        )


def _round(number: float) -> str:
    digits = 0 if abs(number) >= 1000 else 1 if abs(number) >= 10 else 3
    return f"{number:,.{digits}f}"


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()
