"""What the module remembers in the scene, typed; the names are those bound in the .ui by SlicerParameterName."""

from typing import Annotated

from slicer import (
    vtkMRMLMarkupsLineNode,
    vtkMRMLMarkupsROINode,
    vtkMRMLScalarVolumeNode,
)
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper


@parameterNodeWrapper
class QuietVoxelParameters:
    """Choices of the user.

    Attributes
    ----------
    inputVolume, resultVolume : in Denoise; the result is the one that Blend works on.
    blend : share of the denoised image, percent.
    livePreview : whether the slice on screen is denoised while a control is moved.
    engine, model, settings, options : what the dynamic controls of Denoise show; the last two are JSON.
    compareA, compareB, reference, region, backgroundRegion, profileLine : in Compare.
    reveal : place of the curtain and share of the fade, percent.
    blink : whether flicker changes by itself.
    trainName, trainSettings : in Train; the latter is JSON.
    trainTitle, trainDescription, trainLicence, trainUse : for the card of the model that is made.
    simulateVolume, simulateSeed : in Simulate.
    """

    inputVolume: vtkMRMLScalarVolumeNode
    resultVolume: vtkMRMLScalarVolumeNode
    blend: Annotated[float, WithinRange(0, 100)] = 100.0
    livePreview: bool = True
    engine: str = ""
    model: str = ""
    settings: str = "{}"
    options: str = "{}"
    compareA: vtkMRMLScalarVolumeNode
    compareB: vtkMRMLScalarVolumeNode
    reference: vtkMRMLScalarVolumeNode
    region: vtkMRMLMarkupsROINode
    backgroundRegion: vtkMRMLMarkupsROINode
    profileLine: vtkMRMLMarkupsLineNode
    reveal: Annotated[float, WithinRange(0, 100)] = 50.0
    blink: bool = True
    trainName: str = ""
    trainSettings: str = "{}"
    trainTitle: str = ""
    trainDescription: str = ""
    trainLicence: str = ""
    trainUse: str = ""
    simulateVolume: vtkMRMLScalarVolumeNode
    simulateSeed: Annotated[int, WithinRange(0, 2147483647)] = 0
