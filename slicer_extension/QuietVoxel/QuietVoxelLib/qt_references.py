"""The rows References of the section Train: volumes of the scene, files and folders."""

import qt

from .reference_files import write_reference
from .volume_nodes import modality_of, trouble_with
from .words import _


class ReferenceList:
    """Widgets of the rows.

    Parameters
    ----------
    ui : the widgets of the .ui file.
    volume : gives the volume chosen in Denoise.
    changed : called when there are others.
    say : takes a sentence.
    """

    def __init__(self, ui, volume, changed, say):
        self._ui = ui
        self._volume = volume
        self._changed = changed
        self._say = say
        self._references = []  # paths and volume nodes
        ui.addVolumeButton.connect("clicked(bool)", self._add_volume)
        ui.addFilesButton.connect("clicked(bool)", self._add_files)
        ui.addFolderButton.connect("clicked(bool)", self._add_folder)
        ui.clearReferencesButton.connect("clicked(bool)", self.clear)

    def __len__(self):
        """How many there are."""
        return len(self._references)

    @property
    def modality(self):
        """What the volumes of the scene say, where all say the same; else ""."""
        said = {modality_of(one) for one in self._references if not isinstance(one, str)}
        return said.pop() if len(said) == 1 else ""

    def add(self, references):
        """Add files, folders or volume nodes."""
        for one in references:
            if one not in self._references:
                self._references.append(one)
                self._ui.referencesList.addItem(one if isinstance(one, str) else one.GetName())
        self._changed()

    def clear(self, _checked=False):
        """Take all away."""
        self._references = []
        self._ui.referencesList.clear()
        self._changed()

    def scene_closes(self):
        """Volumes go with their scene; files and folders stay."""
        kept = [one for one in self._references if isinstance(one, str)]
        self.clear()
        self.add(kept)

    def node_removed(self, node):
        """A node has left the scene."""
        if node in self._references:
            kept = [one for one in self._references if one is not node]
            self.clear()
            self.add(kept)

    def files(self, folder):
        """All of them as files; volumes of the scene are written into a folder.

        Raises
        ------
        OSError
            With a sentence, where one cannot be written.
        """
        return [
            one if isinstance(one, str) else str(write_reference(one, folder)) for one in self._references
        ]

    def _add_volume(self, _checked=False):
        node = self._volume()
        trouble = trouble_with(node)
        if trouble:
            self._say(trouble)
        else:
            self.add([node])

    def _add_files(self, _checked=False):
        self.add([str(one) for one in qt.QFileDialog.getOpenFileNames(None, _("Noisy scans to train on"))])

    def _add_folder(self, _checked=False):
        folder = qt.QFileDialog.getExistingDirectory(None, _("A folder of noisy scans"))
        if folder:
            self.add([str(folder)])
