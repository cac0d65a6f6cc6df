"""A small stand-in for Slicer's PythonQt, on PyQt6: properties are attributes, signals are connected by signature.

Widgets of the .ui file are Qt's own where Qt has them, and plain ones with the same properties, signals and slots
where they are Slicer's (MRML selectors, CTK sliders). MRML itself is never stood in for.
"""

from __future__ import annotations

import io
import re
import sys
import types
import xml.etree.ElementTree as ET  # our own file
from typing import TYPE_CHECKING, Any

from PyQt6 import QtCore, QtGui, QtWidgets, uic
from PyQt6.QtCore import pyqtProperty, pyqtSignal

if TYPE_CHECKING:
    from pathlib import Path

MODULES = (QtWidgets, QtGui, QtCore)


class Proxy:
    """An object as PythonQt shows it; unknown attributes are errors, so that typing mistakes are."""

    def __init__(self, wrapped: Any) -> None:
        object.__setattr__(self, "_q", wrapped)

    def __getattr__(self, name: str) -> Any:
        wrapped = self._q
        if wrapped.metaObject().indexOfProperty(name) >= 0:
            return wrapped.property(name)
        if name == "connect":
            return self._connect
        value = getattr(wrapped, name)
        return _method(value) if callable(value) else value

    def __setattr__(self, name: str, value: Any) -> None:
        if self._q.metaObject().indexOfProperty(name) < 0:
            raise AttributeError(name)
        assert self._q.setProperty(name, value), f"{name} does not take {value!r}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Proxy) and self._q is other._q

    def __hash__(self) -> int:
        return hash(id(self._q))

    def _connect(self, signature: str, slot: Any) -> bool:
        meta = self._q.metaObject()
        plain = bytes(QtCore.QMetaObject.normalizedSignature(signature)).decode()
        plain = re.sub(r"vtkMRML\w+\*", "PyQt_PyObject", plain)
        assert meta.indexOfSignal(plain) >= 0, f"{meta.className()} has no signal {plain}"
        name, arguments = plain.rstrip(")").split("(", 1)
        signal = getattr(self._q, name)
        kinds = [one for one in arguments.split(",") if one]
        if len(meta_overloads(meta, name)) > 1:
            signal = signal[tuple(_kind(one) for one in kinds)] if kinds else signal
        signal.connect(lambda *given: slot(*given))
        return True


def meta_overloads(meta: Any, name: str) -> list[str]:
    found = [bytes(meta.method(i).methodSignature()).decode() for i in range(meta.methodCount())]
    return [one for one in found if one.startswith(name + "(")]


def _kind(name: str) -> Any:
    return {"bool": bool, "int": int, "double": float, "QString": str}.get(name, name)


def unwrapped(value: Any) -> Any:
    return value._q if isinstance(value, Proxy) else value


def wrapped(value: Any) -> Any:
    return Proxy(value) if isinstance(value, QtCore.QObject) else value


def _method(function: Any) -> Any:
    def call(*given: Any) -> Any:
        return wrapped(function(*map(unwrapped, given)))

    return call


class NodeSelector(QtWidgets.QWidget):
    """What the module uses of qMRMLNodeComboBox."""

    currentNodeChanged = pyqtSignal([object])  # noqa: N815

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._node: Any = None
        self._given: dict[str, Any] = {}
        self.scene: Any = None

    def currentNode(self) -> Any:  # noqa: N802
        return self._node

    def setCurrentNode(self, node: Any) -> None:  # noqa: N802
        if node is not self._node:
            self._node = node
            self.currentNodeChanged.emit(node)

    def setMRMLScene(self, scene: Any) -> None:  # noqa: N802
        self.scene = scene


def _with_properties(base: type, name: str, properties: dict[str, Any], **more: Any) -> type:
    """A widget class with Qt properties, each with its setter, as uic and PythonQt want them."""
    body: dict[str, Any] = dict(more)
    for one, start in properties.items():
        signal = f"{one}Changed" if f"{one}Changed" in more else ""

        def read(self: Any, one: str = one, start: Any = start) -> Any:
            return self.__dict__.get("_" + one, start)

        def write(self: Any, value: Any, one: str = one, signal: str = signal, start: Any = start) -> None:
            before = self.__dict__.get("_" + one, start)
            if isinstance(start, float):
                low, high = self.__dict__.get("_minimum", -1e300), self.__dict__.get("_maximum", 1e300)
                value = min(max(float(value), low), high) if one == "value" else float(value)
            self.__dict__["_" + one] = value
            if signal and value != before:
                getattr(self, signal).emit(value)

        kind = {bool: "bool", int: "int", float: "double", str: "QString"}.get(type(start), "QStringList")
        body[one] = pyqtProperty(kind, read, write)
        body["set" + one[0].upper() + one[1:]] = write
    return type(name, (base,), body)


SELECTOR = {
    "nodeTypes": [],
    "showChildNodeTypes": True,
    "addEnabled": True,
    "removeEnabled": True,
    "renameEnabled": False,
    "noneEnabled": False,
}
SLIDER = {
    "value": 0.0,
    "minimum": 0.0,
    "maximum": 100.0,
    "singleStep": 1.0,
    "decimals": 2,
    "suffix": "",
    "prefix": "",
}
CUSTOM: dict[str, type] = {
    "qMRMLWidget": type(
        "qMRMLWidget",
        (QtWidgets.QWidget,),
        {
            "mrmlSceneChanged": pyqtSignal(object),
            "setMRMLScene": lambda self, scene: self.mrmlSceneChanged.emit(scene),
        },
    ),
    "qMRMLNodeComboBox": _with_properties(NodeSelector, "qMRMLNodeComboBox", SELECTOR),
    "ctkCollapsibleButton": _with_properties(
        QtWidgets.QWidget,
        "ctkCollapsibleButton",
        {"text": "", "collapsed": False},
        contentsCollapsed=pyqtSignal(bool),
    ),
    "ctkCollapsibleGroupBox": _with_properties(
        QtWidgets.QGroupBox, "ctkCollapsibleGroupBox", {"collapsed": False}
    ),
    "ctkSliderWidget": _with_properties(
        QtWidgets.QWidget, "ctkSliderWidget", SLIDER, valueChanged=pyqtSignal(float)
    ),
}


def load_ui(path: Path) -> Any:
    """Load a .ui file by Qt's own loader, then make its connections, which PyQt's refuses for unknown types."""
    tree = ET.parse(path)
    connections = tree.getroot().find("connections")
    assert connections is not None
    tree.getroot().remove(connections)
    for name, kind in CUSTOM.items():
        module = types.ModuleType(name)
        setattr(module, name, kind)
        sys.modules[f"{name}"] = module
    for header in tree.getroot().iter("header"):
        header.text = re.sub(r"\.h$", "", header.text or "")
    root = uic.loadUi(io.StringIO(ET.tostring(tree.getroot(), encoding="unicode")))
    for one in connections:
        texts = {child.tag: child.text for child in one if child.tag != "hints"}
        sender = (
            root if texts["sender"] == root.objectName() else root.findChild(QtCore.QObject, texts["sender"])
        )
        receiver = root.findChild(QtCore.QObject, texts["receiver"])
        signal, slot = (texts[kind].split("(")[0] for kind in ("signal", "slot"))
        getattr(sender, signal).connect(getattr(receiver, slot))
    return root


def child_variables(root: Any) -> types.SimpleNamespace:
    """What `slicer.util.childWidgetVariables` gives."""
    children = root.findChildren(QtWidgets.QWidget)
    return types.SimpleNamespace(**{one.objectName(): Proxy(one) for one in children if one.objectName()})


class FakeQt(types.ModuleType):
    """The module `qt`: classes that make wrapped objects."""

    def __getattr__(self, name: str) -> Any:
        for module in MODULES:
            found = getattr(module, name, None)
            if found is not None:
                return _Factory(found) if isinstance(found, type) else found
        raise AttributeError(name)


class _Factory:
    """A Qt class as PythonQt has it: called it makes an object, and its static methods are there."""

    def __init__(self, kind: type) -> None:
        self._kind = kind

    def __call__(self, *given: Any) -> Any:
        made = self._kind(*map(unwrapped, given))
        return wrapped(made)

    def __getattr__(self, name: str) -> Any:
        for nested in vars(self._kind).values():  # enums are flat in PythonQt: QProcess.NotRunning
            if isinstance(nested, type) and hasattr(nested, name) and hasattr(nested, "__members__"):
                return getattr(nested, name)
        value = getattr(self._kind, name)
        return _method(value) if callable(value) else value


def make_ctk() -> types.ModuleType:
    """The module `ctk`."""
    module = types.ModuleType("ctk")
    for name, kind in CUSTOM.items():
        if name.startswith("ctk"):
            setattr(module, name, _Factory(kind))
    return module
