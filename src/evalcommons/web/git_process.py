"""The git program behind a request: bodies stream through it both ways, and it ends when the client goes away."""

import asyncio
import logging
import os
import secrets
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from starlette.responses import Response
from starlette.types import Scope as StarletteScope

from evalcommons.core.errors import BadRequest, EvalCommonsError
from evalcommons.storage.push_hook import ASK, END, TOLD, YES
from evalcommons.web.asgi import Receive, Send
from evalcommons.web.streams import ClientGoneError

log = logging.getLogger("evalcommons.git")

_PIECE = 256 * 1024
_GRACE_S = 5
_STDERR_KEPT = 8 * 1024
_QUESTION_LIMIT = 4 * 1024 * 1024
_ANSWER_LIMIT = 48 * 1024  # fits into a pipe whole, so that nobody waits for git to read it
_CONFIG = {
    # Larger blobs are streamed, and no differences are looked for between them: for files of many megabytes that takes
    # ten times as long as sending them, and weights have none in common. What came as a difference still goes as one.
    "core.bigFileThreshold": "4m",
    "core.fsyncMethod": "batch",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "receive.autogc": "false",
    "receive.denyDeleteCurrent": "ignore",  # services/pushes refuses it, and says why
    "receive.fsckObjects": "true",
    # Histories that old programs wrote are taken as they are; names that harm checkouts are refused by
    # services/pushes, which names the path.
    **dict.fromkeys(
        (
            f"receive.fsck.{name}"
            for name in (
                "badTimezone",
                "hasDot",
                "hasDotdot",
                "hasDotgit",
                "missingSpaceBeforeDate",
                "missingSpaceBeforeEmail",
                "zeroPaddedDate",
                "zeroPaddedFilemode",
            )
        ),
        "ignore",
    ),
    "safe.directory": "*",  # the operator may have restored the folder as another user
}
_ALLOCATION_LIMIT = 1024 * 1024 * 1024  # bytes git may ask for at once while it unpacks what a stranger sent


class Referee(Protocol):
    """Who decides about a push. `judge` and `landed` may take long: each runs in the background."""

    async def judge(self, quarantine: Path | None, updates: Sequence[tuple[str, str, str]]) -> tuple[bool, list[str]]:
        """May these (old, new, ref) land, and what is the person told?

        When it answers yes, refs move and `landed` follows, whatever happens to the client.
        """

    async def landed(self) -> str:
        """Called when git has moved the refs; returns what to tell the person, if anything."""


@dataclass(frozen=True)
class GitRun:
    """What to run, `git WORDS`, and with what.

    pieces      the request's body; None: git reads nothing
    prologue    comes before git's own output
    who         name and address under which refs move, for their logs
    protocol    value of Git-Protocol, if the client sent one that git knows
    """

    words: Sequence[str]
    media_type: str
    pieces: AsyncIterator[bytes] | None = None
    prologue: bytes = b""
    protocol: str = ""
    who: tuple[str, str] = ("evalcommons", "evalcommons@localhost")
    config: Mapping[str, str] = field(default_factory=dict)
    referee: Referee | None = None
    request_id: str = ""


class GitAnswer(Response):
    """An answer that is what git writes while it reads the request."""

    def __init__(self, plan: GitRun) -> None:
        super().__init__(media_type=plan.media_type)
        self.plan = plan

    async def __call__(self, scope: StarletteScope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Run git until both are done.

        raises  EvalCommonsError, before anything was sent, when the request makes no sense
        """
        async with AsyncExitStack() as stack:
            await _Exchange(self.plan, receive, send).run(stack)


class _Exchange:
    """One run of git."""

    def __init__(self, plan: GitRun, receive: Receive, send: Send) -> None:
        self.plan = plan
        self.receive = receive
        self.send = send
        self.started = False
        self.landing = False
        self.gone = False
        self.settled = False
        self.kept = b""
        self.has_bands = False
        self.error: EvalCommonsError | None = None
        self.stderr = b""
        self.process: asyncio.subprocess.Process

    async def run(self, stack: AsyncExitStack) -> None:
        plan = self.plan
        env = _environment(plan)
        inherited: list[int] = []
        asking: _Pipe | None = None
        telling: _Pipe | None = None
        if plan.referee is not None:
            asking, telling = _Pipe(), _Pipe()
            stack.callback(asking.close)
            stack.callback(telling.close)
            end = secrets.token_hex(16)
            env |= {ASK: str(asking.write_end), TOLD: str(telling.read_end), END: end}
            inherited = [asking.write_end, telling.read_end]
        self.process = process = await asyncio.create_subprocess_exec(
            "git",
            *(word for name, value in {**_CONFIG, **plan.config}.items() for word in ("-c", f"{name}={value}")),
            *plan.words,
            stdin=asyncio.subprocess.PIPE if plan.pieces is not None else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=env,
            pass_fds=inherited,
            start_new_session=True,
            limit=_PIECE,
        )
        stack.push_async_callback(self._end)
        tasks = [asyncio.create_task(self._keep_stderr()), asyncio.create_task(self._feed())]
        if asking is not None and telling is not None:
            asking.close_write_end()
            telling.close_read_end()
            tasks.append(asyncio.create_task(self._ask(asking, telling, env[END])))
        stack.push_async_callback(_cancel, tasks)
        await self._pass_on()
        code = await process.wait()
        await tasks[0]
        if self.stderr or (code and not self.gone):
            said = self.stderr.decode("utf-8", "replace").strip()
            log.warning("request %s: git %s ended with %s: %s", plan.request_id, plan.words[0], code, said)
        await self._finish(code)

    # --- what git reads and writes ------------------------------------------------------------------------------

    async def _feed(self) -> None:
        """Give git the body, then watch for the client's leaving."""
        stdin = self.process.stdin
        try:
            if self.plan.pieces is not None and stdin is not None:
                is_first = True
                async for piece in self.plan.pieces:
                    if is_first:
                        self.has_bands = b" side-band-64k" in piece[:4096]
                        is_first = False
                    # When git has stopped reading, the rest is taken all the same: only then the client listens.
                    if not stdin.is_closing():
                        with suppress(BrokenPipeError, ConnectionResetError):
                            stdin.write(piece)
                            await stdin.drain()
                stdin.close()
            while (await self.receive())["type"] != "http.disconnect":
                pass
        except EvalCommonsError as error:
            self.error = error
        except ClientGoneError:
            pass
        self.gone = True
        if self.plan.referee is not None and stdin is not None:
            # A push that ends early is git's to clean up after; killed, it can leave the quarantine behind.
            stdin.close()
        else:
            self._stop(signal.SIGTERM)

    async def _pass_on(self) -> None:
        """Send what git writes; of a push, all but the last packet."""
        stdout = self.process.stdout
        assert stdout is not None  # noqa: S101  (for the type checker: it was asked for)
        kept = b""
        held = 4 if self.plan.referee is not None else 0
        while data := await stdout.read(_PIECE):
            data = kept + data
            kept = data[len(data) - held :] if held else b""
            if len(data) > held:
                await self._send(data[: len(data) - held] if held else data)
        self.kept = kept

    async def _finish(self, code: int) -> None:
        """After git's end: the index, then the last packet."""
        told = await self._settle()
        if told and self.has_bands:
            text = b"\x02" + told.encode()[:1000] + b"\n"
            await self._send(f"{len(text) + 4:04x}".encode() + text)
        if not self.started and not self.landing:
            if self.error is not None:
                raise self.error
            if self.gone:
                return
            if code and not self.kept:
                if self.plan.pieces is None:
                    raise RuntimeError(f"git {' '.join(self.plan.words)} failed")
                said = self.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
                raise BadRequest(f"git could not make sense of the request: {said or 'it ended early'}")
        await self._send(self.kept)
        await self.send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _settle(self) -> str:
        """Once refs may have moved, whatever else happens: let the index follow."""
        if not self.landing or self.settled or self.plan.referee is None:
            return ""
        self.settled = True
        return await self.plan.referee.landed()

    async def _send(self, data: bytes) -> None:
        if not self.started:
            self.started = True
            headers = [
                (b"content-type", self.plan.media_type.encode()),
                (b"cache-control", b"no-cache, max-age=0, must-revalidate"),
                (b"expires", b"Fri, 01 Jan 1980 00:00:00 GMT"),
                (b"pragma", b"no-cache"),
            ]
            await self.send({"type": "http.response.start", "status": 200, "headers": headers})
            data = self.plan.prologue + data
        if data:
            await self.send({"type": "http.response.body", "body": data, "more_body": True})

    async def _keep_stderr(self) -> None:
        stderr = self.process.stderr
        assert stderr is not None  # noqa: S101  (as above)
        while data := await stderr.read(_STDERR_KEPT):
            self.stderr = (self.stderr + data)[-_STDERR_KEPT:]

    # --- the push's question ------------------------------------------------------------------------------------

    async def _ask(self, asking: "_Pipe", telling: "_Pipe", end: str) -> None:
        """Read what the hook asks, and answer it."""
        referee = self.plan.referee
        assert referee is not None  # noqa: S101  (the hook has nobody to ask otherwise)
        answer = b""
        try:
            lines = (await asking.read_until(f"\n{end}\n".encode())).decode("utf-8", "surrogateescape").split("\n")
            quarantine = Path(lines[0]) if lines[0] else None
            updates = [(old, new, ref) for old, new, ref in (line.split(" ", 2) for line in lines[1:])]
            may, told = await referee.judge(quarantine, updates)
            self.landing = may
            answer = _answer(told, may=may)
        except EOFError:
            return  # git refused the push by itself
        finally:
            telling.write(answer)
            telling.close()

    # --- the end ------------------------------------------------------------------------------------------------

    def _stop(self, number: signal.Signals) -> None:
        """Stop git and what it started, unless refs may be moving."""
        if not self.landing and self.process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    async def _end(self) -> None:
        """Nothing of this run is left."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        if self.plan.referee is None:
            self._stop(signal.SIGTERM)
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.process.returncode is None:
                try:
                    async with asyncio.timeout(_GRACE_S):
                        await self.process.wait()
                except TimeoutError:
                    self._stop(number)
        await self.process.wait()
        await self._settle()


class _Pipe:
    """A pipe of which one end goes to a child."""

    def __init__(self) -> None:
        self.read_end, self.write_end = os.pipe()
        self._open = {self.read_end, self.write_end}

    async def read_until(self, end: bytes) -> bytes:
        """What comes before `end`.

        raises  EOFError when it does not come, or too much before it
        """
        reader = asyncio.StreamReader(limit=_QUESTION_LIMIT)
        loop = asyncio.get_running_loop()
        file = os.fdopen(self.read_end, "rb", buffering=0)
        self._open.discard(self.read_end)
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), file)
        try:
            return (await reader.readuntil(end))[: -len(end)]
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            raise EOFError from None
        finally:
            transport.close()

    def write(self, data: bytes) -> None:
        """Write at most what a pipe holds."""
        with suppress(BrokenPipeError):
            os.write(self.write_end, data)

    def close_read_end(self) -> None:
        self._close(self.read_end)

    def close_write_end(self) -> None:
        self._close(self.write_end)

    def close(self) -> None:
        for descriptor in list(self._open):
            self._close(descriptor)

    def _close(self, descriptor: int) -> None:
        if descriptor in self._open:
            self._open.discard(descriptor)
            os.close(descriptor)


def _environment(plan: GitRun) -> dict[str, str]:
    """All that git learns of the server's environment."""
    name, address = plan.who
    env = {
        "GIT_ALLOC_LIMIT": str(_ALLOCATION_LIMIT),
        "GIT_COMMITTER_EMAIL": address,
        "GIT_COMMITTER_NAME": name,
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "HOME": "/",
        "LC_ALL": "C.UTF-8",
        "PATH": os.environ.get("PATH", os.defpath),
    }
    if plan.protocol:
        env["GIT_PROTOCOL"] = plan.protocol
    if "TMPDIR" in os.environ:
        env["TMPDIR"] = os.environ["TMPDIR"]
    return env


def _answer(told: Sequence[str], *, may: bool) -> bytes:
    said = b"".join(b" " + line.encode("utf-8", "backslashreplace") + b"\n" for line in told)
    if len(said) > _ANSWER_LIMIT:
        said = said[: said.rindex(b"\n", 0, _ANSWER_LIMIT) + 1] + b" (and more of this kind)\n"
    return said + f"{YES if may else 'no'}\n".encode()


async def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task
