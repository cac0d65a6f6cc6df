"""A child process by Qt: its output comes with the event loop, so that nothing waits. See `child_process`."""

from collections import deque

import qt

from .child_process import TAIL_LINES, child_environment, kill_tree


class QtChild:
    """`ChildProcess` on QProcess.

    Parameters
    ----------
    environment : of the child.
    """

    def __init__(self, environment):
        self._environment = environment
        self._listener = None
        self._tail = deque(maxlen=TAIL_LINES)
        self._told_end = False
        self._process = qt.QProcess()
        self._process.connect("readyReadStandardOutput()", self._read)
        self._process.connect("readyReadStandardError()", self._read_errors)
        self._process.connect("finished(int,QProcess::ExitStatus)", self._finished)
        self._process.connect("errorOccurred(QProcess::ProcessError)", self._error)

    @property
    def running(self):
        """Whether it runs."""
        return self._process.state() != qt.QProcess.NotRunning

    def start(self, command, listener):
        """See `ChildProcess`."""
        self._listener = listener
        environment = qt.QProcessEnvironment()
        for name, value in child_environment(self._environment).items():
            environment.insert(name, value)
        self._process.setProcessEnvironment(environment)
        self._process.start(command[0], command[1:])

    def write(self, text):
        """See `ChildProcess`."""
        if self.running:
            self._process.write((text + "\n").encode())

    def close_input(self):
        """See `ChildProcess`."""
        self._process.closeWriteChannel()

    def kill_tree(self):
        """See `ChildProcess`."""
        number = int(self._process.processId())
        if number:
            kill_tree(number)
        self._process.kill()

    def poll(self):
        """Nothing to do: Qt's event loop tells."""

    def _read(self):
        while self._process.canReadLine():
            self._listener.line(_text(self._process.readLine()).rstrip("\n"))

    def _read_errors(self):
        self._tail.extend(_text(self._process.readAllStandardError()).splitlines())

    def _finished(self, code, _status=None):
        self._read()
        self._read_errors()
        self._end(int(code))

    def _error(self, _error=None):
        if not self.running and not self._tail:  # it never started; all else ends with `finished`
            self._end(None)

    def _end(self, code):
        if not self._told_end:
            self._told_end = True
            self._listener.ended(code, "\n".join(self._tail))


def _text(data):
    """Text of a QByteArray, which PythonQt gives as itself."""
    return (data if isinstance(data, bytes) else bytes(data.data())).decode("utf-8", "replace")
