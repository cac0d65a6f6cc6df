#!/bin/sh
# Style, types and tests, in this order and all of them; pytest's closing line is the last word when all is well.
# Windows open on the display there is, else on a virtual one; the viewer is tested with PyQt6 and with PySide6.
venv=$1
lint=0
"$venv/bin/ruff" check --output-format concise . || lint=1
"$venv/bin/ruff" format --check --output-format concise . || lint=1
"$venv/bin/mypy" || lint=1

virtual=no
if [ "$(uname -s)" = Linux ] && [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    virtual=yes
fi
on_display() {
    if [ "$virtual" = yes ]; then
        xvfb-run -a -s "-screen 0 1600x1000x24" "$@"
    else
        "$@"
    fi
}
binds() { # whether the Qt binding $1 is installed and can open windows here
    QT_API=$1 on_display "$venv/bin/python" -c "from qtpy.QtWidgets import QApplication; QApplication([])" \
        >/dev/null 2>&1
}

if binds pyqt6; then
    QT_API=pyqt6 PYTEST_QT_API=pyqt6 on_display "$venv/bin/python" -m pytest
else
    echo "No window can be opened here, so the tests of the viewer are skipped: they need Qt's libraries and" \
        "a display or xvfb-run (make display installs them where it may)."
    DISPLAY="" WAYLAND_DISPLAY="" "$venv/bin/python" -m pytest
fi
status=$?
[ "$status" -ne 0 ] && exit "$status"

if binds pyside6; then
    echo "The tests of the viewer again, with PySide6:"
    QT_API=pyside6 PYTEST_QT_API=pyside6 on_display "$venv/bin/python" -m pytest -q tests/napari_plugin
    status=$?
    [ "$status" -ne 0 ] && exit "$status"
fi
[ "$lint" -eq 0 ] || echo "The tests passed, but ruff or mypy complained above."
exit "$lint"
