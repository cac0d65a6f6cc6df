"""Jobs: frozen orders, one inference thread, and what it tells; no GUI, so that every front-end can drive it."""

from quietvoxel.jobs.denoise_job import DenoiseJob, DenoiseSummary, Prepared
from quietvoxel.jobs.failure import Failure
from quietvoxel.jobs.hand_over_job import HandOverJob
from quietvoxel.jobs.job import Cancelled, Done, Job, JobContext, Message, Ticket
from quietvoxel.jobs.mailbox import Mailbox
from quietvoxel.jobs.measure_job import Measured, MeasureJob
from quietvoxel.jobs.model_jobs import (
    CardProposal,
    ExportModelJob,
    ImportModelJob,
    ProposeCardJob,
    RemoveModelJob,
    SaveTrainedJob,
)
from quietvoxel.jobs.preview_desk import PreviewDesk
from quietvoxel.jobs.preview_job import PreviewJob, PreviewPicture, PreviewRequest
from quietvoxel.jobs.probe_job import Device, ProbeJob
from quietvoxel.jobs.references_job import ReferenceFound, ReferencesJob, ReferencesSummary, summary_of
from quietvoxel.jobs.run_state import RunMachine, RunState
from quietvoxel.jobs.simulate_job import SimulateJob
from quietvoxel.jobs.thread import InferenceThread, inference_thread
from quietvoxel.jobs.training_request import Interrupted, TrainingRequest, interrupted_trainings
from quietvoxel.jobs.training_run import TrainingRun, TrainingState

__all__ = [
    "Cancelled",
    "CardProposal",
    "DenoiseJob",
    "DenoiseSummary",
    "Device",
    "Done",
    "ExportModelJob",
    "Failure",
    "HandOverJob",
    "ImportModelJob",
    "InferenceThread",
    "Interrupted",
    "Job",
    "JobContext",
    "Mailbox",
    "MeasureJob",
    "Measured",
    "Message",
    "Prepared",
    "PreviewDesk",
    "PreviewJob",
    "PreviewPicture",
    "PreviewRequest",
    "ProbeJob",
    "ProposeCardJob",
    "ReferenceFound",
    "ReferencesJob",
    "ReferencesSummary",
    "RemoveModelJob",
    "RunMachine",
    "RunState",
    "SaveTrainedJob",
    "SimulateJob",
    "Ticket",
    "TrainingRequest",
    "TrainingRun",
    "TrainingState",
    "inference_thread",
    "interrupted_trainings",
    "summary_of",
]
