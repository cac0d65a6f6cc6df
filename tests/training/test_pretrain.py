"""Going on from a model instead of starting anew."""

from __future__ import annotations

import pytest
import torch

from quietvoxel.engines.relative_flow.training import RelativeFlowStage
from quietvoxel.models import find_model, load_tensors
from quietvoxel.training.pretrain import main, parser, plan_of, started_network, started_recipe


def options(*words: str) -> object:
    return parser().parse_args([*words, "--data", "nowhere"])


def test_a_training_goes_on_from_the_weights_of_a_model_over_the_whole_range() -> None:
    own = options("relative-flow", "--modality", "mr", "--start", "relativeflow-mr", "--rate", "0.3")
    recipe = started_recipe(own)
    assert not recipe.curriculum
    card = find_model("relativeflow-mr")
    assert recipe.delta_max == card.architecture["delta_max"]
    network = started_network(RelativeFlowStage(recipe), "relativeflow-mr")
    assert network is not None
    weights = load_tensors(card)
    for name, weight in network.state_dict().items():
        assert torch.equal(weight, weights[f"velocity.{name}"].to(weight)), name
    anew = plan_of(options("relative-flow", "--modality", "mr"))
    assert plan_of(own).matrix_rate == pytest.approx(0.3 * anew.matrix_rate)
    assert plan_of(own).learning_rate == pytest.approx(0.3 * anew.learning_rate)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("relative-flow", "--modality", "ct", "--start", "relativeflow-mr"), "can go on from"),
        (("fdn", "--modality", "mr", "--start", "relativeflow-mr"), "can go on from"),
        (("diffdenoise", "--modality", "mr", "--start", "relativeflow-mr"), "can go on from"),
        (("fdn", "--modality", "mr", "--start", "no-such-model"), "There is no model"),
    ],
)
def test_a_model_that_does_not_fit_is_refused(words: tuple[str, ...], said: str, capsys) -> None:
    assert main([*words, "--data", "nowhere"]) == 2
    refused = capsys.readouterr().err
    assert said in refused
    assert len(refused.strip().splitlines()) == 1
