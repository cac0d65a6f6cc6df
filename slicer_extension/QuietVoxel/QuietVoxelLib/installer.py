"""Installs what is missing, once the user has agreed: PyTorch first, then QuietVoxel around what Slicer has."""

import importlib
import importlib.metadata
import re
import tempfile
from pathlib import Path
from typing import Protocol

from . import needs
from .words import _

EXTRA = re.compile(r"""extra == ['"]train['"]""")
"""The extra that the section Train needs."""


class Host(Protocol):
    """What the application does for the installer, on its main thread."""

    def ask(self, question: str) -> bool:
        """Whether the user agrees."""
        ...

    def pip_install(self, arguments: "list[str]") -> None:
        """Run pip with these arguments.

        Raises
        ------
        Exception
            Of any kind where it fails.
        """
        ...

    def install_torch(self, requirement: str) -> bool:
        """Install PyTorch through the extension PyTorch; False where that extension is not there."""
        ...


class Installer:
    """Installs step by step; each failure is one sentence, and the next try goes on where it failed.

    Parameters
    ----------
    host : `Host`.
    find : says where a module is, or None; for tests.
    requires : gives the requirements of the installed package; for tests.
    """

    def __init__(self, host, find=importlib.util.find_spec, requires=importlib.metadata.requires):
        self._host = host
        self._find = find
        self._requires = requires

    def run(self, wheels=None):
        """Ask and install.

        Parameters
        ----------
        wheels : a folder of wheels for an installation without network.

        Returns
        -------
        Whether all is there now, and a sentence to show.
        """
        names = needs.missing(self._find)
        if not names:
            return True, _("Everything is installed.")
        if wheels is not None and not any(Path(wheels).glob("quietvoxel-*.whl")):
            return False, _(
                "There is no quietvoxel wheel in {folder}; choose the folder with the wheels."
            ).format(folder=wheels)
        if not self._host.ask(needs.explanation(names)):
            return False, _("Nothing was installed.")
        offline = ["--no-index", "--find-links", str(wheels)] if wheels is not None else []
        try:
            if "torch" in names:
                sentence = self._install_torch(offline)
                if sentence:
                    return False, sentence
            if needs.PACKAGE in names:
                self._install_package(offline)
        except Exception as error:  # noqa: BLE001  # pip, uv and PyTorchUtils fail in their own ways
            return False, _(
                "The installation failed ({reason}); check the network and the space on the disk."
            ).format(reason=_first_line(error))
        importlib.invalidate_caches()
        left = needs.missing(self._find)
        if left:
            return False, _("Restart Slicer to finish the installation.")
        return True, _("Installed. Choose a volume to start.")

    def _install_torch(self, offline):
        if offline:
            self._host.pip_install([*offline, "torch" + needs.TORCH_VERSION, *self._constraints()])
        elif not self._host.install_torch(needs.TORCH_VERSION):
            return _(
                "The extension PyTorch is missing; install it in the Extensions Manager, restart, then try again."
            )
        return ""

    def _install_package(self, offline):
        """The package alone, then what it needs, without what Slicer brings: its builds have versions of their own."""
        self._host.pip_install([*offline, "--no-deps", needs.PACKAGE + needs.PACKAGE_VERSION])
        importlib.invalidate_caches()
        kept = {name.lower() for name in needs.KEPT if self._find(name) is not None} | {"torch"}
        wanted = [one for one in plain_requirements(self._requires(needs.PACKAGE)) if _name(one) not in kept]
        if wanted:
            self._host.pip_install([*offline, *wanted, *self._constraints()])

    def _constraints(self):
        """Arguments that pin what Slicer brings to the versions that are there."""
        pinned = [f"{name}=={version}" for name in needs.KEPT if (version := needs.version_of(name))]
        if torch := needs.version_of("torch"):
            pinned.append(f"torch=={torch}")
        path = Path(tempfile.mkdtemp(prefix="quietvoxel-")) / "constraints.txt"
        path.write_text("\n".join(pinned) + "\n", "utf-8")
        return ["-c", str(path)]


def plain_requirements(requirements):
    """Requirements of the package and of training, without those of other front-ends."""
    wanted = [one for one in requirements or () if "extra ==" not in one or EXTRA.search(one)]
    return [one.partition(";")[0].strip() for one in wanted]


def _name(requirement):
    return re.split(r"[\s<>=!~\[;]", requirement, maxsplit=1)[0].lower()


def _first_line(error):
    return str(error).strip().partition("\n")[0][:200] or type(error).__name__
