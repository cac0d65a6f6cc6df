"""Models: a weight file (safetensors) with a card (JSON) each; bundled with the package or the user's own."""

from quietvoxel.models.card import ModelCard
from quietvoxel.models.store import find_model, list_models, load_tensors, model_folder, save_model

__all__ = ["ModelCard", "find_model", "list_models", "load_tensors", "model_folder", "save_model"]
