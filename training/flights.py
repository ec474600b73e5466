"""Work of many episodes at once, in one background thread with an event loop.

`start` gives a key's coroutine to the loop, `landed` blocks until something is done. A key has at most one flight, and
what a flight brought is handed out once. A failed flight hands out its error: results that are there come first, then
one error a call, so a failure takes nothing from other episodes.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from medgym_core.errors import MedGymError

T = TypeVar("T")


class Flights(Generic[T]):
    """At most one piece of work a key; made, used and closed by one thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="flights", daemon=True)
        self._thread.start()
        self._up: dict[int, Future[T]] = {}
        self._done: SimpleQueue[tuple[int, Future[T]]] = SimpleQueue()
        self._failed: deque[tuple[int, Future[T]]] = deque()

    def __len__(self) -> int:
        """Keys in flight, those included whose result nobody has taken yet."""
        return len(self._up)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """The result of `work`, waited for: for what has no key."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def start(self, key: int, work: Coroutine[Any, Any, T]) -> None:
        """Raises MedGymError if the key is in flight or all is closed."""
        if key in self._up or self._loop.is_closed():
            work.close()
            got = "closed" if self._loop.is_closed() else "a turn in flight already"
            raise MedGymError(
                "no turn can be asked for", got=got, expected="one turn at a time", where=f"episode {key}"
            )
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        self._up[key] = future
        future.add_done_callback(lambda done: self._done.put((key, done)))

    def landed(self) -> list[T]:
        """The results that are there, at least one; [] when nothing is in flight. Raises a failed flight's error."""
        while self._up:
            found = []
            for key, future in self._arrivals(block=not self._failed):
                if future.exception() is not None:
                    self._failed.append((key, future))
                else:
                    del self._up[key]
                    found.append(future.result())
            if found:
                return found
            if self._failed:
                key, future = self._failed.popleft()
                del self._up[key]
                future.result()  # raises
        return []

    def cancel(self, key: int) -> None:
        """Give up the key's flight, if it has one; its result or error is dropped."""
        future = self._up.pop(key, None)
        if future is not None:
            future.cancel()
            self._failed = deque((k, f) for k, f in self._failed if f is not future)

    def close(self, last: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Cancel everything, run `last`, end the thread. A second call does nothing."""
        if self._loop.is_closed():
            return
        self._up.clear()
        self.run(self._finish(last))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _finish(self, last: Callable[[], Coroutine[Any, Any, None]]) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await last()

    def _arrivals(self, *, block: bool) -> list[tuple[int, Future[T]]]:
        """What is done and still wanted; waits for the first if `block`."""
        found = [self._done.get()] if block else []
        while not self._done.empty():
            found.append(self._done.get())
        return [(key, future) for key, future in found if self._up.get(key) is future]
