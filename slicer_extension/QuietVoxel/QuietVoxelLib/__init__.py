"""What the module QuietVoxel is made of.

Nothing here imports the package `quietvoxel`: it runs in a child process (`quietvoxel worker`), which also says
which engines, settings, models and measures there are. So the module loads where nothing is installed, and no package
of QuietVoxel ever meets those of Slicer in one process. Files whose names begin with `qt_` bind widgets; all others
need MRML and VTK only, and are tested outside the application.
"""
