"""Mailbox, states of a run, progress in words: no thread, no torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

from quietvoxel.inference.events import StepDone
from quietvoxel.jobs import Failure, Mailbox, RunMachine, RunState
from quietvoxel.jobs.failure import failure_of
from quietvoxel.jobs.progress_line import clock, fraction_done, progress_line


def test_many_messages_wake_their_reader_once():
    woken = []
    mailbox = Mailbox(lambda: woken.append(1))
    for number in range(1000):
        mailbox.put(number)
    assert len(woken) == 1
    assert mailbox.drain() == list(range(1000))
    assert mailbox.drain() == []
    mailbox.put("again")
    assert len(woken) == 2


def test_a_closed_mailbox_wakes_nobody():
    woken = []
    mailbox = Mailbox(lambda: woken.append(1))
    mailbox.put(1)
    mailbox.close()
    mailbox.put(2)
    assert mailbox.drain() == []
    assert len(woken) == 1


def test_a_run_goes_from_idle_to_done_and_may_start_again():
    run = RunMachine()
    run.submit()
    assert run.state is RunState.PREPARING
    run.started()
    assert run.state is RunState.RUNNING
    run.done()
    assert run.state is RunState.DONE
    run.submit()
    run.failed()
    assert run.state is RunState.FAILED
    assert not run.state.busy


def test_cancelling_stays_until_the_run_answers():
    run = RunMachine()
    assert not run.ask_cancel()
    run.submit()
    assert run.ask_cancel()
    assert not run.ask_cancel()
    run.started()
    assert run.state is RunState.CANCELLING
    run.cancelled()
    assert run.state is RunState.IDLE


def test_a_second_run_and_an_end_without_a_run_are_refused():
    run = RunMachine()
    with pytest.raises(RuntimeError, match="no run"):
        run.done()
    run.submit()
    with pytest.raises(RuntimeError, match="another cannot start"):
        run.submit()


def test_progress_is_said_by_slice_step_and_time_left():
    event = StepDone(done=60, total=96, step=2, steps=3, eta_s=20.6)
    assert progress_line(event) == "slice 61/96, step 2/3, 0:21 left"
    assert fraction_done(event) == pytest.approx((60 + 2 / 3) / 96)
    assert progress_line(StepDone(0, 5, 1, 1, None)) == "slice 1/5"
    assert [clock(s) for s in (0.2, 61, 3661)] == ["0:00", "1:01", "1:01:01"]


def test_our_own_errors_are_said_as_they_are():
    from quietvoxel.errors import ModelError

    assert failure_of(ModelError("The model is gone; import it.")) == Failure("The model is gone; import it.")


def test_importing_jobs_loads_no_torch():
    code = "import sys, quietvoxel.jobs; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "False"


def test_the_measurement_of_speed_leaves_the_public_function_in_its_place():
    code = (
        "import quietvoxel.inference.speed, quietvoxel\n"
        "from quietvoxel.inference import denoise\n"
        "assert callable(denoise) and callable(quietvoxel.denoise)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
