"""The decision chain: small policies, each with a say in one decision."""
