"""The engines as fine-tuning sees them: networks by name, the stages that train them, and how each stage is judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from quietvoxel.engines.diff_denoise.engine import DiffDenoiseEngine, DiffDenoiseNetworks, build_networks
from quietvoxel.engines.diff_denoise.settings import DiffDenoiseRecipe, DiffDenoiseSettings
from quietvoxel.engines.diff_denoise.student import StudentStage
from quietvoxel.engines.diff_denoise.training import BlindSpotStage, DiffusionStage
from quietvoxel.engines.fdn.engine import FDNEngine
from quietvoxel.engines.fdn.settings import FDNRecipe, FDNSettings
from quietvoxel.engines.fdn.training import FDNStage
from quietvoxel.engines.relative_flow.engine import RelativeFlowEngine
from quietvoxel.engines.relative_flow.settings import RelativeFlowRecipe, RelativeFlowSettings
from quietvoxel.engines.relative_flow.training import RelativeFlowStage, network_conditions
from quietvoxel.errors import BadInputError, ModelError
from quietvoxel.training.recipes import diff_denoise_recipe_for, fdn_recipe_for, recipe_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import torch
    from torch import Tensor, nn

    from quietvoxel.engines.contract import EngineContext, TrainingStage
    from quietvoxel.volume import Modality

    Networks = Mapping[str, nn.Module]
    Denoise = Callable[[Tensor, EngineContext], Tensor]


@dataclass(frozen=True)
class TunedStage:
    """One stage of an engine's fine-tuning.

    Attributes
    ----------
    name : of the network that it trains.
    share : of the plan's time.
    stage : from the recipe and all networks to the training stage.
    denoise : from all networks and the recipe to what is judged: a slab in, its middle slice out.
    taught : the references are what a teacher made of them (DiffDenoise's student).
    """

    name: str
    share: float
    stage: Callable[[Any, Networks], TrainingStage]
    denoise: Callable[[Networks, Any], Denoise]
    taught: bool = False


@dataclass(frozen=True)
class TunableEngine:
    """An engine as fine-tuning sees it.

    Attributes
    ----------
    name : in model cards.
    title : on screens.
    recipe_class : validates the architecture in a card.
    recipe_for : the recipe of the bundled model, for training from scratch.
    build : new networks by their names in a model file.
    stages : in their order. The first one is judged by its own network's prediction where the engine cannot work yet.
    """

    name: str
    title: str
    recipe_class: Any
    recipe_for: Callable[[Modality], Any]
    build: Callable[[Any], dict[str, nn.Module]]
    stages: tuple[TunedStage, ...]

    def load(self, recipe: Any, tensors: Mapping[str, Tensor]) -> dict[str, nn.Module]:
        """The networks of a model file; a network that the file has not (a student) is new.

        Raises
        ------
        ModelError
            If the weights do not fit the recipe.
        """
        networks = self.build(recipe)
        for name, network in networks.items():
            prefix = f"{name}."
            state = {k.removeprefix(prefix): v.float() for k, v in tensors.items() if k.startswith(prefix)}
            if not state and len(networks) > 1:
                continue
            try:
                network.load_state_dict(state)
            except RuntimeError as error:
                msg = "The weights of the starting model do not fit the architecture in its card; import it again."
                raise ModelError(msg) from error
        return networks


def _relative_flow(networks: Networks, recipe: RelativeFlowRecipe) -> Denoise:
    engine = RelativeFlowEngine(networks["velocity"], recipe)
    return lambda slab, context: engine.denoise(slab, RelativeFlowSettings(), context).image


def _fdn(networks: Networks, recipe: FDNRecipe) -> Denoise:
    engine = FDNEngine(networks["fdn"], recipe)  # type: ignore[arg-type]  # the one that `build` made
    # One run: shifts, which take twice the time, do as much for every network that is compared.
    return lambda slab, context: engine.denoise(slab, FDNSettings(shifts=1), context).image


def _blind_spot(networks: Networks, recipe: DiffDenoiseRecipe) -> Denoise:  # noqa: ARG001
    """What the blind-spot network makes of the slab: sampling starts from it."""
    network = networks["blind_spot"]

    def denoise(slab: Tensor, context: EngineContext) -> Tensor:
        import torch

        level = torch.full((len(slab),), context.sigma, device=context.device)
        told = network_conditions(level, level, level, torch.full_like(level, context.spacing_ratio))
        network.eval()
        with (
            torch.inference_mode(),
            torch.autocast(context.device.type, context.dtype, enabled=context.dtype != torch.float32),
        ):
            found: Tensor = network(slab.to(context.device), told)
        return found.float()

    return denoise


def _diff_denoise(settings: DiffDenoiseSettings) -> Callable[[Networks, Any], Denoise]:
    def make(networks: Networks, recipe: DiffDenoiseRecipe) -> Denoise:
        found = DiffDenoiseNetworks(
            networks["blind_spot"],
            networks["diffusion"],  # type: ignore[arg-type]  # the one that `build` made
            networks["student"] if settings.student else None,
        )
        engine = DiffDenoiseEngine(found, recipe)
        return lambda slab, context: engine.denoise(slab, settings, context).image

    return make


SAMPLED = DiffDenoiseSettings(student=False, srds=True, ddim_steps=5, pairs=1)
"""How the diffusion is judged: with as few steps as the engine allows."""

TUNABLE: dict[str, TunableEngine] = {
    engine.name: engine
    for engine in (
        TunableEngine(
            "relativeflow",
            "RelativeFlow",
            RelativeFlowRecipe,
            recipe_for,
            lambda recipe: {"velocity": RelativeFlowStage(recipe).build()},
            (TunedStage("velocity", 1.0, lambda recipe, _: RelativeFlowStage(recipe), _relative_flow),),
        ),
        TunableEngine(
            "diffdenoise",
            "DiffDenoise",
            DiffDenoiseRecipe,
            diff_denoise_recipe_for,
            build_networks,
            (
                TunedStage("blind_spot", 0.3, lambda recipe, _: BlindSpotStage(recipe), _blind_spot),
                TunedStage(
                    "diffusion",
                    0.25,
                    lambda recipe, networks: DiffusionStage(recipe, networks["blind_spot"]),
                    _diff_denoise(SAMPLED),
                ),
                TunedStage(
                    "student",
                    0.3,
                    lambda recipe, _: StudentStage(recipe),
                    _diff_denoise(DiffDenoiseSettings()),
                    taught=True,
                ),
            ),
        ),
        TunableEngine(
            "fdn",
            "FDN",
            FDNRecipe,
            fdn_recipe_for,
            lambda recipe: {"fdn": FDNStage(recipe).build()},
            (TunedStage("fdn", 1.0, lambda recipe, _: FDNStage(recipe), _fdn),),
        ),
    )
}

TEACHING_SHARE = 0.15
"""Of the plan's time: what the teacher takes to denoise stacks for the student."""


def tunable(name: str) -> TunableEngine:
    """Look an engine up.

    Raises
    ------
    BadInputError
        If there is none of that name.
    """
    if name not in TUNABLE:
        msg = f"There is no engine '{name}' to train; choose one of: {', '.join(TUNABLE)}."
        raise BadInputError(msg)
    return TUNABLE[name]


def device_dtype(precision: str, device: torch.device) -> torch.dtype:
    """The number type of a run's precision on a device."""
    from quietvoxel.inference.devices import choose_precision

    return choose_precision(device, precision)
