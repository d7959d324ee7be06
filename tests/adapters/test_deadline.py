"""A deadline that is set for one thing after the other: each has its own time, and a cancelled task stays cancelled."""

import asyncio

import pytest

from adapters.transport.deadline import Deadline


def test_each_thing_has_its_own_time() -> None:
    async def test() -> None:
        deadline = Deadline()
        for long in (0.02, 60.0, 0.02, 0.04):
            if long == 60.0:
                with deadline.within(long):
                    await asyncio.sleep(0.05)
                continue
            with pytest.raises(TimeoutError), deadline.within(long):
                await asyncio.sleep(5)
        with deadline.within(0.01):
            pass
        await asyncio.sleep(0.03)
        deadline.close()

    asyncio.run(asyncio.wait_for(test(), 3))


def test_who_is_cancelled_by_another_is_cancelled() -> None:
    async def wait() -> None:
        with Deadline().within(60):
            await asyncio.sleep(5)

    async def test() -> None:
        task = asyncio.create_task(wait())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(test())
