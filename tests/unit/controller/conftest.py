from tests.unit.actions.doubles import scene

__all__ = ["scene"]
