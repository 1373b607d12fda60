"""Entries of the bundle's facts: frozen, closed, said in three languages, and sourced where the law says them."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, computed_field


class Entry(BaseModel):
    """Frozen and closed: a misspelt member of a facts file is an error when it is loaded."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Labels(Entry):
    """One thing said plainly in Bokmål, Nynorsk and English."""

    nb: Annotated[str, Field(min_length=1)]
    nn: Annotated[str, Field(min_length=1)]
    en: Annotated[str, Field(min_length=1)]


class Labelled(Entry):
    """Anything that can be named to a person."""

    labels: Labels


class Sourced(Entry):
    """Where a legal parameter comes from; ``reviewed_by`` is null until a lawyer has signed."""

    source: str
    as_of: str
    reviewed_by: str | None

    @computed_field(description="Whether a lawyer has signed this entry.")  # type: ignore[prop-decorator] # pydantic's own form
    @property
    def reviewed(self) -> bool:
        """Whether a lawyer has signed."""
        return self.reviewed_by is not None
