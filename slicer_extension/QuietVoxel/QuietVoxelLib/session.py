"""All that works for one module widget, put together in one place: two child processes and who uses them."""

from .blending import Blender
from .comparison import Comparison
from .denoise_run import DenoiseRun
from .evidence import Evidence
from .preview import Preview
from .simulate_run import SimulateRun
from .train_foresight import TrainForesight
from .train_run import TrainRun
from .volume_desk import VolumeDesk
from .worker_client import PROTOCOL, WorkerClient


class Session:
    """Built by the widget, driven by one timer.

    Parameters
    ----------
    scene : MRML scene.
    make_process : makes a `ChildProcess`.
    program : program and arguments that start quietvoxel.
    client : `WorkerClient`, made here when not given.
    interactors : as `Comparison` takes them.
    """

    def __init__(self, scene, make_process, program, client=None, interactors=list):
        self.scene = scene
        self.program = list(program)
        self._make_process = make_process
        command = [*program, "worker", "--protocol", str(PROTOCOL)]
        self.client = client or WorkerClient(make_process, command)
        self.desk = VolumeDesk(self.client)
        self.blender = Blender()
        self.comparison = Comparison(scene, interactors)
        self.evidence = Evidence(scene, self.client, self.desk)
        self.foresight = TrainForesight(self.client, program, make_process)
        self.run = self.preview = self.simulation = self.training = None

    def show_runs_in(
        self, denoise, preview_line, simulate, train, made=lambda node: None, trained=lambda model: None
    ):
        """Give runs their views.

        Parameters
        ----------
        denoise, simulate, train : `RunView`.
        preview_line : takes what is said of a preview.
        made : called with each result node.
        trained : called with the name of a new model, or "", when a training has ended.
        """

        def keep(node, voxels):
            self.blender.add(node, voxels)
            made(node)

        self.run = DenoiseRun(self.client, self.desk, denoise, keep)
        self.preview = Preview(self.client, self.desk, preview_line)
        self.simulation = SimulateRun(self.client, self.desk, simulate)
        self.training = TrainRun(self.scene, self._make_process, train, trained)

    def about(self, then, fail):
        """Ask the worker what there is: engines, models, measures, windows, plans."""

        def heard(record):
            if record["event"] == "finished":
                self.training.option_words = self.foresight.option_words = record["option_words"]
                then(record)
            elif record["event"] == "failed":
                fail(record.get("message", ""))

        self.client.submit({"job": "about"}, heard)

    def train(self, request):
        """Start a training, as the worker's job `training` takes it; the machine is left to it."""
        self.foresight.rest()
        self.training.ask(self.client, self.program, request)

    def tick(self):
        """Read what the child processes have said; to be called some twenty times a second."""
        self.client.tick()
        self.run.tick()
        self.training.tick()
        self.foresight.tick()

    def node_removed(self, node):
        """A node has left the scene."""
        self.run.node_removed(node)
        self.blender.forget(node.GetID())
        self.desk.forget(node.GetID())

    def close_scene(self):
        """The scene closes: all stops, and the views are given back."""
        self.run.cancel()
        self.simulation.cancel()
        self.training.cancel()
        self.foresight.rest()
        self.preview.remove()
        self.comparison.stop()
        self.evidence.clear()
        self.client.stop()
        self.desk.forget_all()
        self.blender.forget_all()

    def quit(self):
        """The application ends: both children and all that they started are ended now."""
        self.client.kill()
        self.training.kill()
        self.foresight.kill()
        self.desk.close()
