"""The inference thread: order, urgency, cancel, failure, and what happens at the end of the process."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import weakref

import pytest

import quietvoxel.jobs.thread
from quietvoxel.jobs import Cancelled, Done, Failure, InferenceThread, inference_thread


def test_jobs_run_one_after_the_other_and_tell_in_order(thread, reader, steps):
    log = []
    first = thread.submit(steps(log, "a", 2).let_go(), reader.mailbox)
    second = thread.submit(steps(log, "b", 2).let_go(), reader.mailbox)

    assert reader.outcome(second) == Done("b")
    assert reader.outcome(first) == Done("a")
    assert log == ["a 0", "a 1", "b 0", "b 1"]
    assert reader.told(first, int) == [0, 1]


def test_an_urgent_job_runs_between_two_slices_of_a_running_one(thread, reader, steps):
    log = []
    volume = steps(log, "volume", 3)
    running = thread.submit(volume, reader.mailbox)
    volume.reached.acquire()
    thread.submit_urgent("preview", steps(log, "preview", 1).let_go(), reader.mailbox)
    volume.let_go()

    assert reader.outcome(running) == Done("volume")
    assert log == ["volume 0", "preview 0", "volume 1", "volume 2"]


def test_of_urgent_jobs_with_one_key_the_newest_waits(thread, reader, steps):
    log = []
    volume = steps(log, "volume", 2)
    running = thread.submit(volume, reader.mailbox)
    volume.reached.acquire()
    old, middle, new = (
        thread.submit_urgent("preview", steps(log, name, 1).let_go(), reader.mailbox) for name in "xyz"
    )
    other = thread.submit_urgent("noise", steps(log, "noise", 1).let_go(), reader.mailbox)
    volume.let_go()

    assert reader.outcome(running) == Done("volume")
    assert reader.outcome(old) == reader.outcome(middle) == Cancelled()
    assert reader.outcome(new) == Done("z")
    assert reader.outcome(other) == Done("noise")
    assert "x 0" not in log


@pytest.mark.parametrize(
    "error",
    [
        ValueError("x"),
        RuntimeError("CUDA error: an illegal memory access was encountered\nmore"),
        RuntimeError("CUDA out of memory. Tried to allocate"),
        MemoryError(),
        SystemExit(3),
        KeyboardInterrupt(),
    ],
    ids=repr,
)
def test_every_error_arrives_as_one_sentence_and_the_thread_lives_on(thread, reader, steps, error):
    log = []
    failing = thread.submit(steps(log, error=error).let_go(), reader.mailbox)
    next_one = thread.submit(steps(log, "next").let_go(), reader.mailbox)

    failure = reader.outcome(failing)
    assert isinstance(failure, Failure)
    assert failure.sentence.endswith(".")
    assert "\n" not in failure.sentence
    assert type(error).__name__ in failure.details
    assert reader.outcome(next_one) == Done("next")


def test_a_failed_job_keeps_no_tensor_alive(thread, reader):
    import torch

    alive = []

    class Failing:
        def run(self, _context):
            tensor = torch.zeros(3)
            alive.append(weakref.ref(tensor))
            try:
                raise RuntimeError("inner", tensor)
            except RuntimeError as inner:
                raise ValueError("outer") from inner

    assert isinstance(reader.outcome(thread.submit(Failing(), reader.mailbox)), Failure)

    assert alive[0]() is None


def test_cancel_is_answered_at_the_next_step_and_before_the_start(thread, reader, steps):
    log = []
    job = steps(log)
    running = thread.submit(job, reader.mailbox)
    waiting = thread.submit(steps(log, "waiting").let_go(), reader.mailbox)
    job.reached.acquire()
    running.cancel()
    waiting.cancel()
    job.let_go()

    assert reader.outcome(running) == Cancelled()
    assert reader.outcome(waiting) == Cancelled()
    assert log == []


def test_stopping_cancels_what_runs_and_takes_nothing_more(reader, steps):
    thread = InferenceThread()
    job = steps([])
    running = thread.submit(job, reader.mailbox)
    job.reached.acquire()
    stopper = threading.Thread(target=thread.stop)
    stopper.start()
    deadline = time.monotonic() + 5
    while not running.cancelled and time.monotonic() < deadline:
        time.sleep(0.001)
    job.let_go()
    stopper.join(5)

    assert not stopper.is_alive()
    assert reader.outcome(running) == Cancelled()
    assert thread.submit(steps([]), reader.mailbox).cancelled


PROCESS = """
import sys, threading, time
import quietvoxel.jobs.thread
from quietvoxel.errors import CancelledError
from quietvoxel.jobs import Mailbox, inference_thread
quietvoxel.jobs.thread.NICENESS = 0
quietvoxel.jobs.thread.STOP_SECONDS = {patience}
here = threading.Event()
{job}
inference_thread().submit(Work(), Mailbox(lambda: None))
here.wait()
print("closed", flush=True)
"""


def at_the_end_of_a_process(job: str, patience: float) -> tuple[int, list[str]]:
    """Exit code and output of a process that ends as soon as its job `Work` is under way."""
    code = PROCESS.format(job=job, patience=patience)
    done = subprocess.run(
        [sys.executable, "-c", code], timeout=120, check=False, stdout=subprocess.PIPE, text=True
    )
    return done.returncode, done.stdout.split()


def test_the_process_ends_at_once_and_well_in_the_middle_of_a_job():
    job = """
class Work:
    def run(self, context):
        here.set()
        while not context.cancelled():
            time.sleep(0.01)
        print("heard", flush=True)
        raise CancelledError
"""
    # Left alone, the job would go on for ever.
    assert at_the_end_of_a_process(job, 60.0) == (0, ["closed", "heard"])


def test_a_first_import_of_torch_that_takes_long_is_waited_for():
    job = """
class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            here.set()
            time.sleep(1.5)
            print("imported", flush=True)
sys.meta_path.insert(0, Slow())
class Work:
    def run(self, context):
        print("ran", flush=True)
        while not context.cancelled():
            time.sleep(0.01)
        raise CancelledError
"""
    # The patience is for jobs: an import that is given up in the middle aborts the process.
    code, said = at_the_end_of_a_process(job, 0.5)
    assert code == 0
    assert said[:2] == ["closed", "imported"]


def test_a_job_that_hears_nothing_is_left_behind_without_an_abort():
    job = """
class Work:
    def run(self, context):
        import torch
        image = torch.randn(1500, 1500)
        here.set()
        while True:
            image = torch.tanh(image @ image)
"""
    assert at_the_end_of_a_process(job, 0.2) == (0, ["closed"])


def test_there_is_one_thread_for_the_process():
    assert inference_thread() is inference_thread()


@pytest.mark.skipif(sys.platform != "linux", reason="priorities of threads are Linux's")
def test_the_gui_goes_before_the_thread_and_keeps_a_core(thread, reader, monkeypatch):
    import torch

    monkeypatch.setattr(quietvoxel.jobs.thread, "NICENESS", 10)

    seen = {}

    class Look:
        def run(self, _context):
            seen["nice"] = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
            seen["threads"] = torch.get_num_threads()

    reader.outcome(thread.submit(Look(), reader.mailbox))
    assert seen["nice"] >= 10
    assert seen["threads"] <= max(1, len(os.sched_getaffinity(0)) - 1)
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) < seen["nice"]
