"""What all tests share: where the real volumes lie, if they lie anywhere."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Find the real volumes beside the repository; tests that need them are skipped without."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real volumes: {folder} does not exist")
    return folder


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a home with a small random model for CT and one for MR, saved as bundled ones are."""
    import torch  # here, so that tests without a network start fast

    from quietvoxel.engines.relative_flow.settings import RelativeFlowRecipe
    from quietvoxel.engines.relative_flow.training import unet_shape
    from quietvoxel.models import save_model
    from quietvoxel.networks.residual_unet import ResidualUNet

    home = tmp_path_factory.mktemp("home")
    for modality in ("CT", "MR"):
        recipe = RelativeFlowRecipe(modality=modality, halo=1, widths=(8, 16), blocks=(1, 1))
        with torch.random.fork_rng():
            torch.manual_seed(1)
            network = ResidualUNet(unet_shape(recipe))
            torch.nn.init.orthogonal_(network.tail.weight, gain=0.1)
        card = {
            "name": f"relativeflow-{modality.lower()}",
            "title": f"{modality} of random weights",
            "engine": "relativeflow",
            "modality": modality,
            "description": "For tests.",
            "architecture": recipe.model_dump(mode="json"),
            "intensity": "as ever",
            "training_data": ["none"],
            "training": {"steps": 0},
            "noise_range": "none",
            "intended_use": "Tests.",
            "licence": "Apache-2.0",
            "version": "0",
        }
        tensors = {f"velocity.{name}": value for name, value in network.state_dict().items()}
        save_model(home / "models", tensors, card)
    return home


@pytest.fixture
def model_home(tiny_models: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the small random models go before the bundled ones."""
    monkeypatch.setenv("QUIETVOXEL_HOME", str(tiny_models))
    return tiny_models
