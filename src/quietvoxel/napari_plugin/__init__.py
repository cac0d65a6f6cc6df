"""The napari front-end: adapters between layers and volumes, and widgets."""
