"""Sample data that needs no download: noisy phantoms, drawn by the worker, with their truth beside them."""

import time
from pathlib import Path

import numpy as np
import slicer

from .volume_nodes import PREFIX, place_beside, set_matrix
from .words import _

SAMPLES = (("QuietVoxel CT phantom", "CT"), ("QuietVoxel MR phantom", "MR"))
SECONDS = 180.0


def register(icons):
    """Add the phantoms to the module Sample Data.

    Parameters
    ----------
    icons : folder of the thumbnails.
    """
    import SampleData

    for name, modality in SAMPLES:
        SampleData.SampleDataLogic.registerCustomSampleDataSource(
            category="QuietVoxel",
            sampleName=name,
            thumbnailFileName=str(Path(icons) / f"QuietVoxel{modality}.png"),
            uris="",
            fileNames="",
            nodeNames=name,
            customDownloader=lambda _source, name=name, modality=modality: load(name, modality),
        )


def load(name, modality):
    """Draw a phantom into the scene and show it; where that fails, say why in one sentence."""
    from .needs import missing_sentence
    from .qt_process import QtChild
    from .qt_setup import environment, missing_now, program
    from .worker_client import PROTOCOL, WorkerClient

    sentence = missing_sentence(missing_now())
    if sentence:
        slicer.util.errorDisplay(sentence)
        return None
    command = [*program(), "worker", "--protocol", str(PROTOCOL)]
    client = WorkerClient(lambda: QtChild(environment()), command)
    try:
        node = draw(
            slicer.mrmlScene, client, slicer.app.temporaryPath, name, modality, slicer.app.processEvents
        )
        slicer.util.setSliceViewerLayers(background=node, fit=True)
        return node
    except RuntimeError as error:
        slicer.util.errorDisplay(str(error))
        return None
    finally:
        client.kill()


def draw(scene, client, folder, name, modality, turn):
    """Have a phantom drawn; gives the noisy node, beside which the truth lies.

    Parameters
    ----------
    client : `WorkerClient`.
    folder : for files on their way.
    turn : called again and again while waiting.

    Raises
    ------
    RuntimeError
        With a sentence, where the worker fails.
    """
    heard = []
    output = Path(folder) / f"quietvoxel-sample-{modality}.npy"
    client.submit({"job": "sample", "modality": modality, "output": str(output)}, heard.append)
    end = time.monotonic() + SECONDS
    while not heard and time.monotonic() < end:
        client.tick()
        turn()
        time.sleep(0.01)
    if not heard or heard[0]["event"] != "finished":
        msg = heard[0].get("message", "") if heard else _("The phantom was not drawn in time; try again.")
        raise RuntimeError(msg)
    record = heard[0]
    noisy = _add(scene, record["output"], name, modality, record["spacing"])
    truth = _add(scene, record["truth"], _("{name} [truth]").format(name=name), modality, record["spacing"])
    place_beside(noisy, truth)
    return noisy


def _add(scene, file, name, modality, spacing):
    array = np.load(file)
    Path(file).unlink()
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", scene.GenerateUniqueName(name))
    slicer.util.updateVolumeFromArray(node, array)
    matrix = np.diag([-spacing[0], -spacing[1], spacing[2], 1.0])
    matrix[:3, 3] = -matrix[:3, :3] @ (np.array(array.shape[::-1]) - 1) / 2
    set_matrix(node, matrix)
    node.SetAttribute(PREFIX + "modality", modality)
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    if modality == "CT":
        display.SetAutoWindowLevel(False)
        display.SetWindowLevel(400.0, 40.0)
    return node
