"""Translation: Slicer's own, or the words as they are where there is no application."""

try:
    from slicer.i18n import tr as _
except ImportError:  # slicer-core, in which this is tested, has no translations

    def _(text):
        """The text as it is."""
        return text


__all__ = ["_", "clock"]


def clock(seconds):
    """Minutes and seconds, with hours where there are any: 0:21, 12:05, 1:02:03."""
    minutes, second = divmod(max(0, round(seconds)), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
