"""The recipes of the bundled models, by engine and modality, and what fine-tuning changes in one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quietvoxel.engines.diff_denoise.settings import DiffDenoiseRecipe
from quietvoxel.engines.fdn.settings import FDNRecipe
from quietvoxel.engines.relative_flow.settings import RelativeFlowRecipe
from quietvoxel.errors import BadInputError
from quietvoxel.volume import Modality

if TYPE_CHECKING:
    from quietvoxel.training.settings import TrainingSettings

ALPHA_FROM_SCRATCH = 0.9


def recipe_for(modality: Modality) -> RelativeFlowRecipe:
    """RelativeFlow's recipe: the longest step is capped where the operator still makes sense."""
    if modality == Modality.CT:
        return RelativeFlowRecipe(modality="CT", delta_max=1.0, loss="log", target="expected")
    return RelativeFlowRecipe(modality="MR", delta_max=3.0, loss="log", target="expected")


def interpolated_recipe_for(modality: Modality) -> RelativeFlowRecipe:
    """RelativeFlow's recipe for MR images that the scanner interpolated, with correlated noise besides white.

    A model of its own: trained on both, white noise of 0.10 loses 0.3 dB (docs/relativeflow.md).

    Raises
    ------
    BadInputError
        For CT, whose kernels correlate noise anyway.
    """
    if modality == Modality.CT:
        msg = "There is no recipe for interpolated CT; its noise is correlated anyway. Train relative-flow."
        raise BadInputError(msg)
    return recipe_for(modality).model_copy(update={"interpolated": 0.4})


def fdn_recipe_for(modality: Modality) -> FDNRecipe:
    """FDN's recipe; the least noise is that which references of good quality have themselves."""
    if modality == Modality.CT:
        return FDNRecipe(modality="CT", delta_min=0.1, delta_max=1.0)
    return FDNRecipe(modality="MR")


def diff_denoise_recipe_for(modality: Modality) -> DiffDenoiseRecipe:
    """DiffDenoise's recipe; FBP noise reaches over a pixel or two.

    The blind spot of CT hides one on each side: two would hide more anatomy than noise (docs/diffdenoise.md). What is
    correlated beyond the spot comes back through the condition, whatever the network does, so that its limit is higher.
    """
    if modality == Modality.CT:
        return DiffDenoiseRecipe(
            modality="CT",
            delta_min=0.1,
            delta_max=1.0,
            radius=1,
            dilation=4,
            features=16,
            leak_limit=0.6,
            reference_share=0.9,
        )
    return DiffDenoiseRecipe(modality="MR")


def plain_recipe_for(modality: Modality) -> RelativeFlowRecipe:
    """A plain convolutional network to compare FDN with: as many parameters, the same pairs, one evaluation."""
    fdn = fdn_recipe_for(modality)
    return RelativeFlowRecipe(
        modality=fdn.modality,
        halo=fdn.halo,
        widths=(52, 104, 208),
        delta_min=fdn.delta_min,
        delta_max=fdn.delta_max,
        curriculum=False,
        degrade_references=False,
    )


def tuned_recipe(recipe: Any, settings: TrainingSettings, *, from_scratch: bool) -> Any:
    """The recipe with the user's range of degradation times and curriculum.

    A network that starts from a model knows the whole range already and keeps it only if it is shown all of it, so
    that its curriculum is off unless the user asks for one. FDN is shown noisier references too, as RelativeFlow is.

    Raises
    ------
    BadInputError
        If the range is empty.
    """
    changes: dict[str, Any] = {}
    if settings.delta_min:
        changes["delta_min"] = settings.delta_min
    if settings.delta_max:
        changes["delta_max"] = settings.delta_max
    changed = recipe.model_copy(update=changes)
    if changed.delta_min >= changed.delta_max:
        msg = (
            f"The degradation times would run from {changed.delta_min:g} to {changed.delta_max:g}; "
            "give a --delta-min below --delta-max."
        )
        raise BadInputError(msg)
    if isinstance(changed, RelativeFlowRecipe):
        alpha = settings.alpha or (ALPHA_FROM_SCRATCH if from_scratch else 1.0)
        # The curriculum starts between its limits.
        start = min(max(changed.delta_start, changed.delta_min), changed.delta_max)
        update = {"delta_start": start, "curriculum": alpha < 1.0}
        if alpha < 1.0:
            update["curriculum_alpha"] = alpha
        return changed.model_copy(update=update)
    if isinstance(changed, FDNRecipe):
        return changed.model_copy(update={"noisier_references": True})
    return changed
