"""The few things of the application that the module needs and slicer-core has not: base classes, translation,
parameter nodes. Small stand-ins; the parameter node keeps its values in a real MRML node."""

from __future__ import annotations

import json
import types
import typing
from typing import Any

import slicer

from .pythonqt import Proxy

SIGNALS = {
    "qMRMLNodeComboBox": ("currentNodeChanged(vtkMRMLNode*)", None),
    "QCheckBox": ("toggled(bool)", "checked"),
    "ctkSliderWidget": ("valueChanged(double)", "value"),
    "QSpinBox": ("valueChanged(int)", "value"),
    "QLineEdit": ("textChanged(QString)", "text"),
}


class WithinRange:
    def __init__(self, minimum: float, maximum: float) -> None:
        self.minimum, self.maximum = minimum, maximum


def wrapper(cls: type) -> type:
    """Stand in for `parameterNodeWrapper`: typed attributes kept in an MRML node, bound to widgets by name."""
    hints = typing.get_type_hints(cls, include_extras=True)

    class Wrapped:
        parameters = hints

        def __init__(self, node: Any) -> None:
            object.__setattr__(self, "node", node)
            object.__setattr__(self, "bound", {})

        def __getattr__(self, name: str) -> Any:
            if name not in hints:
                raise AttributeError(name)
            if _is_node(hints[name]):
                return self.node.GetNodeReference(name)
            text = self.node.GetParameter(name)
            return json.loads(text) if text else getattr(cls, name)

        def __setattr__(self, name: str, value: Any) -> None:
            if name not in hints:
                raise AttributeError(name)
            if _is_node(hints[name]):
                self.node.SetNodeReferenceID(name, value.GetID() if value is not None else None)
            else:
                for limit in getattr(hints[name], "__metadata__", ()):
                    assert limit.minimum <= value <= limit.maximum
                self.node.SetParameter(name, json.dumps(value))
            widget = self.bound.get(name)
            if widget is not None:
                _show(widget, value)

        def connectGui(self, ui: Any) -> int:  # noqa: N802
            for widget in vars(ui).values():
                name = widget.property("SlicerParameterName")
                if not name:
                    continue
                assert name in hints, f"the .ui binds {name}, which the parameter node does not have"
                kind = widget._q.metaObject().className()
                _check(kind, hints[name], widget)
                self.bound[name] = widget
                _show(widget, getattr(self, name))
                widget.connect(SIGNALS[kind][0], lambda value, name=name: self._heard(name, value))
            return 1

        def _heard(self, name: str, value: Any) -> None:
            if self.bound.get(name) is not None:
                bound = self.bound.pop(name)
                setattr(self, name, value)
                self.bound[name] = bound

        def disconnectGui(self, _tag: int) -> None:  # noqa: N802
            self.bound.clear()

    Wrapped.__name__ = cls.__name__
    return Wrapped


def _check(kind: str, hint: Any, widget: Any) -> None:
    """The pairs of widget and type that Slicer's own wrapper knows; a slider needs a range."""
    plain = typing.get_args(hint)[0] if hasattr(hint, "__metadata__") else hint
    allowed = {"QCheckBox": bool, "ctkSliderWidget": float, "QSpinBox": int, "QLineEdit": str}
    if kind in allowed:
        assert plain is allowed[kind], f"{widget.objectName} is bound to {hint}"
    else:
        assert kind == "qMRMLNodeComboBox"
        assert _is_node(hint)
        assert widget.nodeTypes == [hint.__name__]
    if kind == "ctkSliderWidget":
        assert hasattr(hint, "__metadata__")


def _is_node(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, slicer.vtkMRMLNode)


def _show(widget: Any, value: Any) -> None:
    kind = widget._q.metaObject().className()
    if kind == "qMRMLNodeComboBox":
        widget.setCurrentNode(value)
    else:
        setattr(widget, SIGNALS[kind][1], value)


class ScriptedLoadableModule:
    def __init__(self, parent: Any) -> None:
        self.parent = parent


class ScriptedLoadableModuleLogic:
    def getParameterNode(self) -> Any:  # noqa: N802
        node = slicer.mrmlScene.GetFirstNodeByName("QuietVoxel")
        return node or slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode", "QuietVoxel")


class ScriptedLoadableModuleTest:
    pass


class ScriptedLoadableModuleWidget:
    resources = ""

    def __init__(self, parent: Any = None) -> None:
        from PyQt6 import QtWidgets

        self.parent = parent
        self.box = QtWidgets.QWidget()
        self.layout = Proxy(QtWidgets.QVBoxLayout(self.box))

    def setup(self) -> None:
        """Do nothing."""

    def resourcePath(self, name: str) -> str:  # noqa: N802
        return f"{self.resources}/{name}"


class App:
    """The application: its version, and who listens to it."""

    majorVersion, minorVersion = 5, 10  # noqa: N815

    def __init__(self) -> None:
        self.slots: dict[str, list[Any]] = {}

    def layoutManager(self) -> None:  # noqa: N802
        """Give none, as the application without a main window."""

    def connect(self, signature: str, slot: Any) -> None:
        self.slots.setdefault(signature, []).append(slot)

    def disconnect(self, signature: str, slot: Any) -> None:
        self.slots[signature].remove(slot)

    def emit(self, signature: str) -> None:
        for slot in self.slots.get(signature, []):
            slot()


def translated(text: str) -> str:
    return text


def modules(resources: str) -> dict[str, types.ModuleType]:
    """Stand-ins by name, for sys.modules."""
    loadable = types.ModuleType("slicer.ScriptedLoadableModule")
    for kind in (
        ScriptedLoadableModule,
        ScriptedLoadableModuleLogic,
        ScriptedLoadableModuleTest,
        ScriptedLoadableModuleWidget,
    ):
        setattr(loadable, kind.__name__, kind)
    ScriptedLoadableModuleWidget.resources = resources
    i18n = types.ModuleType("slicer.i18n")
    i18n.tr = translated  # type: ignore[attr-defined]
    i18n.translate = lambda _context, text: text  # type: ignore[attr-defined]
    parameters = types.ModuleType("slicer.parameterNodeWrapper")
    parameters.parameterNodeWrapper = wrapper  # type: ignore[attr-defined]
    parameters.WithinRange = WithinRange  # type: ignore[attr-defined]
    return {one.__name__: one for one in (loadable, i18n, parameters)}
