"""The process that runs the nightly flow when it is due.

``python -m flows.serving PROJECT CRON ZONE REASON``, as :mod:`flows.schedule` starts it.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import signal
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
)
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import FlowRunSort
from prefect.runner import Runner
from prefect.schedules import Cron
from prefect.states import Crashed, State
from prefect.types.entrypoint import EntrypointType

from flows.nightly import SERVED, nightly, tell
from warehouse.errors import LesionsError

FIRST_RUN_SECONDS = 90.0
"""Longest wait until the server has planned the next run: its scheduler looks every minute."""


class NightlyRunner(Runner):
    """A runner that SIGTERM ends in order: the schedule is paused, a run under way is ended."""

    async def run_until_told(self) -> None:
        """Runs what is due until SIGTERM."""
        self._parent = os.getppid()
        self._serving = asyncio.ensure_future(self.start())
        with suppress(asyncio.CancelledError):
            await self._serving

    def handle_sigterm(self, *args: Any, **kwargs: Any) -> None:
        """Ends the event loop's work; Prefect's own exits from within it, and is told off.

        Where the parent was killed, the server is going too, and there is nobody to take leave of.
        """
        if os.getppid() != self._parent:
            os.killpg(0, signal.SIGKILL)
        self._serving.get_loop().call_soon_threadsafe(self._serving.cancel)


def deployment_name(project_root: Path) -> str:
    """Name of a project's schedule, unlike that of another folder of the same name."""
    digest = hashlib.sha256(str(project_root).encode()).hexdigest()[:6]
    return f"{re.sub('[/%]', '-', project_root.name)}-{digest}"


async def serve_nightly(project_root: Path, cron: str, zone: str) -> None:
    """Registers the schedule, waits until the server has planned a run, then runs what is due.

    Raises:
        LesionsError: the server plans no run.
    """
    os.environ[SERVED] = str(project_root)
    name = deployment_name(project_root)
    runner = NightlyRunner(name=name, limit=1)
    deployment = await nightly.ato_deployment(
        name=name,
        schedule=Cron(cron, timezone=zone),
        parameters={"project_root": str(project_root)},
        description=f"Keeps {project_root} up to date.",
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    began = datetime.now(UTC)
    deployment_id = await runner.aadd_deployment(deployment)
    await forget_earlier_runs(deployment_id, began)
    planned = await first_run(deployment_id)
    tell(f"next run {planned.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M %Z}")
    await runner.run_until_told()


async def forget_earlier_runs(deployment_id: UUID, began: datetime) -> None:
    """Deletes runs that were due while nobody served, and ends those whose process is gone.

    One run brings a project up to date, so there is nothing to catch up with.
    """
    async with get_client() as client:
        for run in await _runs(client, deployment_id, "SCHEDULED"):
            due = run.next_scheduled_start_time
            if due is not None and due < began:
                await client.delete_flow_run(run.id)
        for run in await _runs(client, deployment_id, "RUNNING", "PENDING"):
            gone: State[Any] = Crashed(message="The process that ran it has ended.")
            await client.set_flow_run_state(run.id, gone, force=True)


async def first_run(deployment_id: UUID, patience: float = FIRST_RUN_SECONDS) -> datetime:
    """When the server will first run a deployment.

    Raises:
        LesionsError: it plans no run in ``patience`` seconds.
    """
    deadline = time.monotonic() + patience
    async with get_client() as client:
        while time.monotonic() < deadline:
            runs = await _runs(client, deployment_id, "SCHEDULED")
            if runs and runs[0].next_scheduled_start_time is not None:
                return runs[0].next_scheduled_start_time
            await asyncio.sleep(0.5)
    raise LesionsError(
        f"Prefect's server plans no run of the schedule within {patience:.0f} s. Either the cron "
        "never comes (as 31 February), or the server is faulty: see its log, and 'lesions doctor'."
    )


async def _runs(client: PrefectClient, deployment_id: UUID, *states: str) -> list[FlowRun]:
    """The runs of a deployment in certain states, the first that is due first."""
    return await client.read_flow_runs(
        deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment_id])),
        flow_run_filter=FlowRunFilter.model_validate({"state": {"type": {"any_": states}}}),
        sort=FlowRunSort.NEXT_SCHEDULED_START_TIME_ASC,
    )


def main() -> None:
    """Serves until told to end; an error that a user can correct is left in the file REASON."""
    project_root, cron, zone, reason = sys.argv[1:]
    try:
        asyncio.run(serve_nightly(Path(project_root), cron, zone))
    except LesionsError as error:
        _leave(reason, str(error))
    except httpx.HTTPError as error:
        _leave(
            reason,
            f"Prefect's server at {os.environ.get('PREFECT_API_URL')} fails: {error}. Start it, "
            "or unset PREFECT_API_URL to have one started here.",
        )


def _leave(reason: str, text: str) -> None:
    Path(reason).write_text(text, encoding="utf-8")
    sys.exit(1)


if __name__ == "__main__":
    main()
