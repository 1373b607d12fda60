"""The engines, for every test of decisions."""

from tests.policies.engines import bundle, engine, opa, opa_engine, regorus_engine

__all__ = ["bundle", "engine", "opa", "opa_engine", "regorus_engine"]
