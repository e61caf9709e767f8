"""A session of Spark's for tests, or the reason why there is none."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from processes import wait_for

from warehouse.settings import default_values

LOOPBACK = "127.0.0.1"
QUICK_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:ReservedCodeCacheSize=240m"
"""A test ends before the best compiler of Java's has paid for itself. Without it there is room for
48 MB of compiled code, which a hundred models fill: nothing is compiled from then on."""
SMALL = (
    "spark.sql.shuffle.partitions=1 spark.default.parallelism=1 "
    "spark.sql.codegen.wholeStage=false spark.sql.codegen.factoryMode=NO_CODEGEN"
)
"""Of a handful of rows: compiling a plan takes longer than running it."""


def why_not() -> str:
    """Why Spark cannot run here; nothing where it can."""
    if importlib.util.find_spec("pyspark") is None:
        return "pyspark is not installed (the extra 'spark')"
    if shutil.which("java") is None:
        return "Java is not there (openjdk-17-jre-headless)"
    return ""


def small_values() -> dict[str, Any]:
    """Settings for tables of a few rows."""
    return {**default_values(), "spark.options": SMALL, "spark.driver_memory": "1g"}


def spark_or_skip() -> Iterator[Any]:
    """A session in this process; the test is skipped where none can be."""
    if reason := why_not():
        pytest.skip(reason)
    from warehouse.engines.spark import open_session

    os.environ["JDK_JAVA_OPTIONS"] = QUICK_JAVA
    session = open_session("local[1]", small_values())
    yield session
    session.stop()


class Cluster:
    """A master and workers of one core each, processes of their own, heard on loopback alone."""

    def __init__(self, folder: Path, workers: int) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.master = self._start(
            "master", "master.Master", "--host", LOOPBACK, "--port", "0", "--webui-port", "0"
        )
        self.url = self._wait_for("master", r"spark://127\.0\.0\.1:\d+")
        self.workers = [self._worker(number) for number in range(workers)]
        for number in range(workers):
            self._wait_for(f"worker{number}", "Successfully registered with master")

    def _worker(self, number: int) -> subprocess.Popen[bytes]:
        return self._start(
            *(f"worker{number}", "worker.Worker", "--host", LOOPBACK, "--webui-port", "0"),
            *("--cores", "1", "--memory", "1500m", "--work-dir", str(self.folder / f"w{number}")),
            self.url,
        )

    def _start(self, name: str, service: str, *arguments: str) -> subprocess.Popen[bytes]:
        import pyspark

        home = Path(pyspark.__file__).parent
        environment = {
            **os.environ,
            "SPARK_HOME": str(home),
            "SPARK_NO_DAEMONIZE": "1",
            "SPARK_LOCAL_IP": LOOPBACK,
            "SPARK_DAEMON_MEMORY": "256m",
            "SPARK_MASTER_OPTS": "-Dspark.master.rest.enabled=false",
            "JDK_JAVA_OPTIONS": QUICK_JAVA,
        }
        command = [str(home / "bin" / "spark-class"), f"org.apache.spark.deploy.{service}"]
        with (self.folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                [*command, *arguments], env=environment, stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip

    def _wait_for(self, name: str, pattern: str) -> str:
        return wait_for(self.folder / f"{name}.log", pattern, 180)

    def kill_worker(self, number: int) -> None:
        """Kills a worker with the executors that it started."""
        os.killpg(self.workers[number].pid, signal.SIGKILL)
        self.workers[number].wait()

    def stop(self) -> None:
        """Ends every process of the cluster."""
        for process in (*self.workers, self.master):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
