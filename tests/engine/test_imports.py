"""Heavy libraries are imported one at a time, beside the build."""

from __future__ import annotations

import subprocess
import sys
import threading

from warehouse import imports


def test_an_import_waits_for_the_one_under_way() -> None:
    done = threading.Event()

    def other() -> None:
        imports.import_alone(("json.decoder",))
        done.set()

    with imports._LOCK:
        thread = threading.Thread(target=other)
        thread.start()
        assert not done.wait(0.2)
    thread.join(timeout=10)
    assert done.is_set()


def test_checks_and_scikit_learn_are_loaded_side_by_side() -> None:
    """Both import narwhals; without waiting for each other one of the two threads can fail."""
    code = (
        "import sys, threading, warehouse.checks; from flows.libraries import load_scikit_learn; "
        "warehouse.checks.preload(); load_scikit_learn(); "
        "[t.join() for t in threading.enumerate() if t.name == 'preload-checks']; "
        "print('great_expectations' in sys.modules, 'sklearn.cluster' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True"], done.stderr
