"""The reference in the Compare dock: PSNR, SSIM and RMSE of A and B where the truth is a layer too."""

from typing import Any

from napari.layers import Image
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from quietvoxel.errors import QuietVoxelError
from quietvoxel.jobs import Done, Failure, Ticket, inference_thread
from quietvoxel.jobs.quality_job import QualityJob
from quietvoxel.jobs.region_rows import figure
from quietvoxel.napari_plugin.adapter import volume_from_layer
from quietvoxel.napari_plugin.compare_choosers import CompareChooser
from quietvoxel.napari_plugin.relay import mailbox_for


class ReferenceSection(QWidget):
    """Measures A and B against a reference, in the inference thread, whenever one of the three changes.

    Parameters
    ----------
    viewer : a napari viewer.
    """

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._mailbox = mailbox_for(self._read_mail)
        self._ticket: Ticket | None = None
        self._pair: tuple[Image | None, Image | None] = (None, None)
        self.chooser = CompareChooser(viewer)
        self.figures = QLabel()
        self.figures.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.chooser)
        layout.addWidget(self.figures)
        self.chooser.setToolTip("A layer known to be right, such as the scan a simulation was made from")
        self.chooser.chosen.connect(self.measure)
        self.destroyed.connect(self._mailbox.close)
        self._say("")

    def set_pair(self, a: Image | None, b: Image | None) -> None:
        """Choose what is measured."""
        if (a, b) != self._pair:
            self._pair = (a, b)
            self.measure()

    def measure(self) -> None:
        """Measure again."""
        if self._ticket is not None:
            self._ticket.cancel()
            self._ticket = None
        reference = self.chooser.layer
        layers = [layer for layer in self._pair if layer is not None]
        if reference is None or not layers:
            self._say("")
            return
        if any(layer.data.shape != reference.data.shape for layer in layers):
            self._say("The reference differs in size from A and B; choose one of the same grid.")
            return
        try:
            volume = volume_from_layer(reference)
        except QuietVoxelError as error:
            self._say(str(error))
            return
        self._say("measuring…")
        job = QualityJob(volume, tuple(layer.data for layer in layers))
        self._ticket = inference_thread().submit(job, self._mailbox)

    def shut(self) -> None:
        """Stop for good."""
        self._mailbox.close()
        self.chooser.let_go()
        if self._ticket is not None:
            self._ticket.cancel()

    def _read_mail(self) -> None:
        for message in self._mailbox.drain():
            if message.ticket is not self._ticket:
                continue
            match message.content:
                case Done(figures):
                    lines = [
                        f"{name}:  " + "  |  ".join(figure(one[name]) for one in figures)
                        for name in figures[0]
                    ]
                    self._say("\n".join(lines))
                case Failure(sentence):
                    self._say(sentence)

    def _say(self, text: str) -> None:
        self.figures.setText(text)
        self.figures.setVisible(bool(text))
