"""Words of the core: engines, settings, models, measures, windows.

Made by scripts/slicer_words.py; do not edit.
"""

from .words import _ as to_user


def core(text):
    """A word of the core in the user's language."""
    return to_user(text) if text else text


def _(text):
    """Marks a text for those who translate, and leaves it as it is."""
    return text


WORDS = (
    _("1 shows the denoised image, 0 the original, between them a mixture."),
    _("Abdomen"),
    _("Added noise (SD)"),
    _("Array axis (z, y, x) along which slices lie; auto takes that of the thickest slices."),
    _("Average the eight flips and rotations of each slice; eight times slower."),
    _("Batch"),
    _("Best quality"),
    _("Blend with original"),
    _("Bone"),
    _("Brain"),
    _("CT general"),
    _("CT: the scan itself is 1, a quarter dose 0.25"),
    _("Curriculum α"),
    _("DDIM steps"),
    _("Degradation strength"),
    _("Degradation time Δ"),
    _("Device"),
    _("DiffDenoise"),
    _("Dose fraction"),
    _("Dose fraction exp(-5 Δ) for CT, variance 0.005 Δ of the signal for MR"),
    _("Euler steps"),
    _("FDN"),
    _(
        "Factor by which the range of degradation times widens in each curriculum epoch; 1: the whole "
        "range from the start; 0: 1 for a starting model, 0.9 from scratch. RelativeFlow only."
    ),
    _("Fast (student)"),
    _("Greatest degradation time trained on; 0: that of the starting model."),
    _("How many mirrored pairs, or without SRDS how many single samples, are averaged. (pairs)"),
    _(
        "How much noise is removed: 0 returns the input, 1 the noise estimated in it, more removes more. "
        "(x noise)"
    ),
    _("How much of the noise latent is removed: 0 returns the input, 1 removes all of it. (x noise)"),
    _("Images averaged where the noise latent is sampled; their spread is the uncertainty. (samples)"),
    _("In HU for CT, in the image's units for MR"),
    _("Learned from noisy scans alone; sampled, it also shows where it is unsure."),
    _("Learning rate"),
    _("Least degradation time trained on; 0: that of the starting model."),
    _("Licence"),
    _("Lung"),
    _("MR general"),
    _("MR interpolated"),
    _("MR: mean signal over noise, to reach"),
    _("Meant for"),
    _("Mediastinum"),
    _("Noise latent"),
    _("Noise range"),
    _("Of AdamW, twenty times that for Muon's matrices; 0: the rate that suits the start."),
    _("One pass of a network that has learned the sampled result; off: sample it."),
    _("Overnight"),
    _("Pairs"),
    _("Patch"),
    _("Precision"),
    _("Quality"),
    _("Quick"),
    _("RelativeFlow"),
    _("Runs averaged, each with the image moved against the 4 x 4 grid that FDN works on. (runs)"),
    _("SRDS"),
    _("Sample with a noise and with its mirror image and average the two; also gives the uncertainty."),
    _("Samples"),
    _("Sampling starts at the input with noise matched to its own, or at pure noise."),
    _("Seed"),
    _("Separates noise from content exactly, and says how typical the input is."),
    _(
        "Share of the volumes that is held out to judge the training; whole volumes, one at least. (of "
        "the volumes)"
    ),
    _("Shifts"),
    _("Side of the tiles of a slice in pixels, 192 or more; 0 cuts only if memory runs out."),
    _("Side of the training images. (pixels)"),
    _("Signal-to-noise ratio"),
    _("Slice axis"),
    _("Solver steps of each sample; more steps take longer. (steps)"),
    _("Standard"),
    _("Start"),
    _("Start of the random numbers, where an engine draws any; the same seed gives the same image."),
    _("Start of the random numbers: split, batches and new weights."),
    _("Steps in which the noise is removed, the largest first; more steps take longer. (steps)"),
    _("The all-rounder: removes just the noise that was measured, in a few steps."),
    _("Tile"),
    _("Trained on"),
    _("Training images in each step, on each device. (images)"),
    _("Update rule"),
    _("Validation share"),
    _("What replaces it: zero, samples (also gives the uncertainty), or what the content predicts."),
    _("amber"),
    _("auto takes bfloat16 where the processor computes in it, else float32."),
    _("auto, cpu, cuda, cuda:1 or mps; auto takes a GPU where there is one."),
    _("edge"),
    _("expm1 is exact for the trained target; identity is the authors' released rule."),
    _("green"),
    _("line"),
    _("red"),
    _("spot"),
    _("Δ max"),
    _("Δ min"),
)
