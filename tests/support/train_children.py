"""Processes that stand in for a training in tests of the Train dock, and one that is a real training."""

from __future__ import annotations

import sys

import numpy as np

from quietvoxel.volume import Geometry, Modality, Volume

REAL = [
    sys.executable,
    "-c",
    """
import sys
import quietvoxel.cli.background
# On a busy test machine a process of low priority would hardly ever get its turn.
quietvoxel.cli.background.give_way = lambda: None
from quietvoxel.cli import main
sys.exit(main())
""",
]
"""What runs `quietvoxel` here."""

_FAKE = """
import json, os, sys, time
ending, words = sys.argv[1], sys.argv[2:]
def tell(event, **more): print(json.dumps({"event": event, **more}), flush=True)
if "--measure" in words:
    for plan, steps in (("quick", 600), ("standard", 4000), ("overnight", 40000)):
        tell("foreseen", plan=plan, steps=steps, seconds=600.0, seconds_per_step=0.85, memory_bytes=2500000000,
             device="cpu", precision="bfloat16", notes=[])
    tell("measured", message="")
    sys.exit(0)
name = words[words.index("--name") + 1]
tell("started", name=name, engine="relativeflow", folder="", resumed="--resume" in words)
if ending.startswith("fails:"):
    tell("failed", message=ending[6:], code=1)
    sys.exit(1)
tell("references", modality="CT", volumes=2, slices=8, noise=[9.0, 11.0], unit="HU", training=[1], validation=[2],
     left_out=[], notes=["There is a note."])
tell("plan", plan="quick", steps=9, seconds=10.0, memory_bytes=1000000000, device="cpu", precision="float32",
     stages=[{"name": "velocity", "steps": 9, "seconds_per_step": 1.0, "batch": 1, "patch": 32}], devices=1, notes=[])
def progress(step):
    tell("progress", stage="velocity", step=step, steps=9, epoch=1, epochs=2, loss=1.0 / step, seconds_per_step=1.0,
         eta_s=9.0 - step)
progress(1)
if ending == "dies":
    print("a library's last words", file=sys.stderr)
    os._exit(9)
if ending == "unchanged":
    tell("finished", improved=False, model=None, stopped=False, seconds=3.0, psnr_before=30.0, psnr_after=30.0,
         ssim_before=0.9, ssim_after=0.9,
         message="Nothing was better on the held-out slices than the starting model 'a' (30.00 dB), so that it stays.")
    sys.exit(0)
for line in sys.stdin:
    word = json.loads(line)["command"]
    if word == "pause": tell("paused", step=2)
    if word == "resume": tell("resumed", step=2); progress(3)
    if word == "stop":
        tell("finished", improved=False, model=None, stopped=True, seconds=3.0, psnr_before=30.0, psnr_after=30.0,
             ssim_before=0.9, ssim_after=0.9, message="Stopped and kept.")
        sys.exit(0)
    if word == "cancel" and ending == "deaf": continue
    if word == "cancel": tell("cancelled", message="The training was stopped; go on with --resume."); sys.exit(3)
while ending == "deaf": time.sleep(1)
"""


def fake(ending: str = "obeys") -> list[str]:
    """Make a child that tells what a training tells, and ends in a way of its own.

    Parameters
    ----------
    ending : "obeys", "dies", "unchanged", "deaf" (to Cancel), or "fails:" and a sentence.
    """
    return [sys.executable, "-c", _FAKE, ending]


def noisy(seed: int, slices: int = 4, size: int = 48, modality: Modality = Modality.MR) -> Volume:
    """Draw a disk with noise; of an MR no value is negative, and a CT has air around it."""
    rng = np.random.default_rng(seed)
    y, x = np.meshgrid(np.linspace(-1, 1, size), np.linspace(-1, 1, size), indexing="ij")
    inside, outside = (40.0, -1000.0) if modality is Modality.CT else (300.0, 0.0)
    data = np.where(y**2 + x**2 < 0.6, inside, outside) + rng.normal(0, 12, (slices, size, size))
    data = data if modality is Modality.CT else np.abs(data)
    return Volume(data.astype(np.float32), Geometry((2.0, 2.0, 4.0)), modality)
