"""What the jobs make: the same pixels as `quietvoxel.denoise`, drafts that resemble them, and clean cancels."""

from __future__ import annotations

import numpy as np
import pytest

import quietvoxel
from quietvoxel.engines.relative_flow.settings import RelativeFlowSettings
from quietvoxel.errors import CancelledError
from quietvoxel.inference import InferenceOptions, SliceDone, Started, StepDone
from quietvoxel.jobs import (
    Cancelled,
    DenoiseJob,
    Done,
    Failure,
    JobContext,
    MeasureJob,
    Prepared,
    PreviewDesk,
    PreviewJob,
    PreviewRequest,
    SimulateJob,
)
from quietvoxel.jobs.preview_job import Quality
from quietvoxel.models import find_model

OPTIONS = InferenceOptions(device="cpu", precision="float32")
ALONE = JobContext(tell=lambda _: None, cancelled=lambda: False, give_way=lambda: None)


@pytest.fixture
def card(model_home):
    return find_model(modality="CT")


@pytest.fixture
def request_for(card, noisy):
    volume = noisy((4, 129, 140))
    measured = MeasureJob(volume).run(ALONE)

    def make(index=1, purpose="a", **settings):
        wanted = RelativeFlowSettings(**settings)
        return PreviewRequest(volume, card, wanted, OPTIONS, measured, measured.axis, index, purpose)

    return make


@pytest.mark.parametrize("dtype", ["float32", "int16"])
def test_a_denoise_job_tells_the_slices_of_the_result_in_its_type(thread, reader, noisy, card, dtype):
    volume = noisy(dtype=dtype)
    options = OPTIONS.model_copy(update={"blend": 0.3, "start_slice": 2})
    ticket = thread.submit(DenoiseJob(volume, card, RelativeFlowSettings(), options), reader.mailbox)
    outcome = reader.outcome(ticket)

    assert isinstance(outcome, Done), outcome
    expected = quietvoxel.denoise(volume, card, options=OPTIONS).volume.data
    (prepared,) = reader.told(ticket, Prepared)
    np.testing.assert_array_equal(prepared.data, volume.data)
    assert prepared.data is not volume.data
    slices = reader.told(ticket, SliceDone)
    assert [event.index for event in slices] == [2, 1, 3, 0]
    for event in slices:
        assert event.pixels.dtype == dtype
        np.testing.assert_array_equal(event.pixels, expected[event.index])
    assert len(reader.told(ticket, Started)) == 1
    assert outcome.result.provenance["blend"] == 1.0
    assert outcome.result.sigma == reader.told(ticket, Started)[0].sigma


def test_a_cancel_in_a_solver_step_ends_the_job_there(thread, reader, noisy, card):
    class Stopping(DenoiseJob):
        def run(self, context):
            asked = []

            def tell(content):
                context.tell(content)
                if isinstance(content, StepDone) and content.step == 2:
                    asked.append(content)

            return super().run(JobContext(tell, lambda: bool(asked), context.give_way))

    ticket = thread.submit(Stopping(noisy(), card, RelativeFlowSettings(steps=5), OPTIONS), reader.mailbox)
    assert reader.outcome(ticket) == Cancelled()
    assert [event.step for event in reader.told(ticket, StepDone)] == [1, 2]
    assert not reader.told(ticket, SliceDone)


def test_a_cancel_in_a_tile_ends_the_job_there(thread, reader, noisy, card):
    steps = []

    class Stopping(DenoiseJob):
        def run(self, context):
            def tell(content):
                if isinstance(content, StepDone):
                    steps.append((content.step, content.steps))

            return super().run(JobContext(tell, lambda: len(steps) >= 3, context.give_way))

    options = OPTIONS.model_copy(update={"tile": 192})
    job = Stopping(noisy((1, 40, 400)), card, RelativeFlowSettings(steps=2), options)
    assert reader.outcome(thread.submit(job, reader.mailbox)) == Cancelled()
    assert len(steps) == 3
    assert steps[-1][1] > 4  # the steps of several tiles; it stopped in the middle of the second


@pytest.mark.gpu
def test_the_memory_of_the_gpu_is_free_again_after_a_run(thread, reader, noisy, card):
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    options = InferenceOptions(device="cuda")
    kept = []
    for _ in range(2):  # the first run leaves the weights there, for the next
        job = DenoiseJob(noisy((4, 256, 256)), card, RelativeFlowSettings(), options)
        assert isinstance(reader.outcome(thread.submit(job, reader.mailbox)), Done)
        kept.append(torch.cuda.memory_allocated())
    assert kept[1] == kept[0]
    assert torch.cuda.memory_reserved() - kept[1] < 32 * 2**20


def test_nan_is_refused_in_one_sentence(thread, reader, noisy, card):
    volume = noisy()
    volume.data[0, 3, 3] = np.nan
    outcome = reader.outcome(thread.submit(DenoiseJob(volume, card, RelativeFlowSettings()), reader.mailbox))
    assert isinstance(outcome, Failure)
    assert "1 voxels are NaN" in outcome.sentence
    assert outcome.details == ""


def test_the_final_preview_is_the_slice_of_the_volume(request_for):
    request = request_for(steps=2)
    picture = PreviewJob(request).run(ALONE)
    whole = quietvoxel.denoise(request.volume, request.card, request.settings, OPTIONS)
    np.testing.assert_array_equal(picture.pixels, whole.volume.data[1])
    assert picture.seconds_a_step > 0


def test_the_draft_in_fewest_steps_is_a_run_with_one_step(request_for):
    request = request_for(steps=4, best_quality=True)
    picture = PreviewJob(request, Quality.FEWEST_STEPS).run(ALONE)
    one = quietvoxel.denoise(request.volume, request.card, RelativeFlowSettings(steps=1), OPTIONS, only=[1])
    np.testing.assert_array_equal(picture.pixels, one.volume.data[1])


def test_a_draft_at_half_resolution_shows_the_same_image(monkeypatch, noisy):
    monkeypatch.delenv("QUIETVOXEL_HOME", raising=False)  # the real model: random weights draw nothing
    volume = noisy((3, 65, 90))
    measured = MeasureJob(volume).run(ALONE)
    request = PreviewRequest(
        volume, find_model(modality="CT"), RelativeFlowSettings(), OPTIONS, measured, measured.axis, 1
    )
    draft = PreviewJob(request, Quality.HALF_RESOLUTION).run(ALONE)
    final = PreviewJob(request).run(ALONE)
    assert draft.pixels.shape == final.pixels.shape == (65, 90)
    flat = (slice(0, 20), slice(40, 90))
    assert volume.data[1][flat].std() > 15
    assert draft.pixels[flat].std() < 8
    assert abs(draft.pixels[flat].mean() - final.pixels[flat].mean()) < 2
    assert abs(draft.pixels[25:29, 33:42].mean() - 300) < 15


def test_white_noise_is_halved_by_means_of_four_pixels(noisy):
    measured = MeasureJob(noisy((6, 64, 64))).run(ALONE)
    assert measured.halved_noise == pytest.approx(0.5, abs=0.05)
    assert measured.statistics.sigma == pytest.approx(20, rel=0.1)
    assert measured.axis == 0
    assert MeasureJob(noisy((1, 64, 64))).run(ALONE).halved_noise == 0.5


def test_a_preview_is_a_draft_and_then_the_final_picture(thread, reader, request_for):
    desk = PreviewDesk(thread, reader.mailbox)
    desk.ask(request_for(steps=8, best_quality=True))
    pictures = _pictures(desk, reader)
    assert pictures[0].quality is not Quality.FINAL
    assert [p.quality for p in pictures][-1] is Quality.FINAL


def test_of_many_requests_the_newest_is_shown_last_and_the_others_are_not_all_made(
    thread, reader, request_for
):
    desk = PreviewDesk(thread, reader.mailbox)
    for strength in np.linspace(0.5, 1.5, 30):
        desk.ask(request_for(strength=float(strength)))
    pictures = _pictures(desk, reader)
    assert pictures[-1].request.settings.strength == 1.5
    assert pictures[-1].quality is Quality.FINAL
    assert len(pictures) < 10


def test_a_picture_of_another_slice_is_never_given(thread, reader, request_for):
    desk = PreviewDesk(thread, reader.mailbox)
    desk.ask(request_for(index=0))
    desk.ask(request_for(index=3))
    assert {p.request.index for p in _pictures(desk, reader)} == {3}
    desk.ask(request_for(index=2))
    desk.drop()
    assert _pictures(desk, reader) == []


def test_a_failed_preview_says_so_once(thread, reader, request_for, monkeypatch):
    request = request_for()
    request.volume.data[...] = np.nan  # after the statistics were measured
    desk = PreviewDesk(thread, reader.mailbox)
    desk.ask(request)
    failures = []
    while desk.busy:
        reader.woken.wait(10)
        reader.woken.clear()
        failures += [f for f in map(desk.take, reader.mailbox.drain()) if isinstance(f, Failure)]
    assert len(failures) == 1


def test_a_simulation_adds_the_noise_asked_for(thread, reader, noisy):
    ticket = thread.submit(SimulateJob(noisy((3, 64, 64)), sigma=12.0), reader.mailbox)
    assert reader.outcome(ticket).result.sigma_added == 12.0
    cancelled = JobContext(lambda _: None, lambda: True, lambda: None)
    with pytest.raises(CancelledError):
        SimulateJob(noisy(), sigma=12.0).run(cancelled)


def _pictures(desk, reader):
    """What a desk shows until it rests."""
    shown = []
    while desk.busy:
        assert reader.woken.wait(60)
        reader.woken.clear()
        for message in reader.mailbox.drain():
            picture = desk.take(message)
            if picture is not None:
                shown.append(picture)
    return shown
