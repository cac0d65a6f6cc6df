"""What shall be done with a volume, frozen when the user pressed the button."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Plan:
    """An engine and how it is used.

    Attributes
    ----------
    engine, title : name and title of the engine.
    model : its name, "" for the general one.
    settings, options : as the worker takes them.
    """

    engine: str
    title: str
    model: str = ""
    settings: dict = field(default_factory=dict)
    options: dict = field(default_factory=dict)

    @property
    def order(self):
        """Its part of an order to the worker."""
        return {
            "engine": self.engine,
            "model": self.model,
            "settings": self.settings,
            "options": self.options,
        }
