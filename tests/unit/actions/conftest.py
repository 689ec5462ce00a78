from tests.unit.actions.attempt import ringing
from tests.unit.actions.doubles import scene

__all__ = ["ringing", "scene"]
