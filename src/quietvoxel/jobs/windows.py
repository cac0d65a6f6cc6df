"""Display windows that radiologists know by name, in one place for every front-end."""

PRESETS: dict[str, tuple[float, float]] = {
    "Abdomen": (400.0, 40.0),
    "Lung": (1500.0, -600.0),
    "Bone": (2000.0, 500.0),
    "Brain": (80.0, 40.0),
    "Mediastinum": (350.0, 50.0),
}
"""CT windows: name to (width, level) in HU."""

MR_AUTO = "MR auto"
"""The choice for everything but CT: what the volume itself asks for."""


def limits(width: float, level: float) -> tuple[float, float]:
    """Lowest and highest value of a window, as contrast limits."""
    return (level - width / 2, level + width / 2)


def width_level(low: float, high: float) -> tuple[float, float]:
    """Width and level of contrast limits."""
    return (high - low, (high + low) / 2)
