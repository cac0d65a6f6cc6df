"""First use: says what is missing, asks, installs on the main thread. See `installer`."""

import os
import shutil
import sys

import qt
import slicer

from . import needs
from .installer import Installer
from .words import _


class SlicerHost:
    """`installer.Host` in the application."""

    def ask(self, question):
        """See `installer.Host`."""
        return bool(slicer.util.confirmOkCancelDisplay(question, windowTitle=_("Install QuietVoxel")))

    def pip_install(self, arguments):
        """See `installer.Host`; newer Slicers would ask once more, which was done already."""
        try:
            slicer.util.pip_install(arguments, interactive=False)
        except TypeError:
            slicer.util.pip_install(arguments)

    def install_torch(self, requirement):
        """See `installer.Host`."""
        try:
            import PyTorchUtils
        except ImportError:
            return False
        logic = PyTorchUtils.PyTorchUtilsLogic()
        installed = logic.installTorch(askConfirmation=False, torchVersionRequirement=requirement)
        if installed is None:
            msg = _("PyTorch was not installed")
            raise RuntimeError(msg)
        return True


class SetupBox:
    """The box on top of the module, shown while something is missing.

    Parameters
    ----------
    ui : the widgets of the .ui file.
    ready : called when all is there.
    host, version : `installer.Host` and (major, minor) of Slicer.
    """

    def __init__(self, ui, ready, host=None, version=None, find=None):
        self._ui = ui
        self._ready = ready
        self._host = host or SlicerHost()
        self._version = version or (int(slicer.app.majorVersion), int(slicer.app.minorVersion))
        self._find = {} if find is None else {"find": find}
        ui.installButton.connect("clicked(bool)", lambda _checked=False: self.install())
        ui.installFolderButton.connect("clicked(bool)", lambda _checked=False: self._install_folder())

    def look(self):
        """Show what is missing; whether all is there."""
        ui = self._ui
        sentence = needs.too_old(self._version)
        old = bool(sentence)
        sentence = sentence or needs.missing_sentence(missing_now(**self._find))
        ui.setupBox.visible = bool(sentence)
        ui.setupLabel.text = sentence
        ui.installButton.visible = not old
        ui.installFolderButton.visible = not old
        for section in (ui.denoiseSection, ui.compareSection, ui.trainSection, ui.simulateSection):
            section.enabled = not sentence
        return not sentence

    def say(self, sentence):
        """Something is wrong with what is installed."""
        self._ui.setupBox.visible = True
        self._ui.setupLabel.text = sentence

    def install(self, wheels=None):
        """Ask and install; the buttons are free again whatever happens."""
        done, sentence = Installer(self._host, **self._find).run(wheels)
        if done and self.look():
            self._ready()
        self._ui.setupLabel.text = sentence

    def _install_folder(self):
        folder = qt.QFileDialog.getExistingDirectory(None, _("The folder with the wheels"))
        if folder:
            self.install(str(folder))


def other_python():
    """The interpreter that the user's settings name in place of Slicer's own, or ""."""
    return str(qt.QSettings().value("QuietVoxel/Python") or "")


def missing_now(**find):
    """Names of the packages that are not there; of another Python its own start will tell."""
    return [] if other_python() else needs.missing(**find)


def program():
    """Program and arguments that start quietvoxel."""
    return [other_python() or shutil.which("PythonSlicer") or sys.executable, "-m", "quietvoxel"]


def environment():
    """The environment of child processes.

    Slicer's own Python needs Slicer's, to find its libraries; another would find Slicer's libraries in it in place
    of its own, and gets the one that Slicer was started in.
    """
    return dict(slicer.util.startupEnvironment() if other_python() else os.environ)
