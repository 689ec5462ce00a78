from tests.integration.switch.serving import serve

__all__ = ["serve"]
