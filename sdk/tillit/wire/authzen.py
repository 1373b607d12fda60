"""AuthZEN: the shapes of the OpenID Authorization API 1.0, in Tillit's words.

A service asks for itself (``subject``), about one field of one youth (``resource``), for a purpose (``action``). Closed
like every shape here, though the specification leaves room for more: a property that did not count would look as if it had.
"""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, RootModel, model_validator

from tillit.wire.asks import Actor, ActorId, Ask, Ground, Obligations, PolicyRef, RoleName
from tillit.wire.explanations import FieldExplanation
from tillit.wire.terms import (
    CollaborationId,
    FieldName,
    Instant,
    Language,
    MeetingId,
    PurposeId,
    ReasonCode,
    SubjectHandle,
    UnitId,
    Wire,
)

MAX_EVALUATIONS = 100

Semantic = Literal["execute_all", "deny_on_first_deny", "permit_on_first_permit"]


class ServiceProperties(Wire):
    """The person at the service: an opaque id and a role."""

    actor: ActorId
    role: RoleName


class ServiceSubject(Wire):
    """Who asks: the calling service itself."""

    type: Literal["service"]
    id: UnitId
    properties: ServiceProperties


class NoProperties(Wire):
    """An action has none."""


class PurposeAction(Wire):
    """Why: the purpose."""

    name: PurposeId
    properties: NoProperties = NoProperties()


class FieldProperties(Wire):
    """Whose field: the service's own handle for the youth."""

    subject: SubjectHandle


class FieldResource(Wire):
    """What: one field."""

    type: Literal["field"]
    id: FieldName
    properties: FieldProperties


class AskContext(Wire):
    """Within which collaboration, for which meeting, from which source alone."""

    collaboration: CollaborationId | None = None
    meeting: MeetingId | None = None
    source: UnitId | None = None


class Evaluation(Wire):
    """``POST /access/v1/evaluation``: may I know this one field?"""

    subject: ServiceSubject
    action: PurposeAction
    resource: FieldResource
    context: AskContext = AskContext()

    def ask(self, *others: Self) -> Ask:
        """The ask for this field and those of the others, which differ from it in nothing but the field."""
        fields = dict.fromkeys(one.resource.id for one in (self, *others))
        return Ask(
            subject=self.resource.properties.subject,
            fields=tuple(fields),
            purpose=self.action.name,
            actor=Actor(id=self.subject.properties.actor, role=self.subject.properties.role),
            collaboration=self.context.collaboration,
            meeting=self.context.meeting,
            source=self.context.source,
        )

    def goes_with(self, other: Self) -> bool:
        """Whether both can be one ask: they differ in the field at most."""
        about = self.resource.properties
        return (self.subject, self.action, about, self.context) == (
            other.subject,
            other.action,
            other.resource.properties,
            other.context,
        )


class PartialEvaluation(Wire):
    """One of several; what it leaves out is as at the top level."""

    subject: ServiceSubject | None = None
    action: PurposeAction | None = None
    resource: FieldResource | None = None
    context: AskContext | None = None


class EvaluationOptions(Wire):
    """How several are gone through: all of them, or up to the first that settles it."""

    evaluations_semantic: Semantic = "execute_all"


class Evaluations(PartialEvaluation):
    """``POST /access/v1/evaluations``: several at once, or a single one where ``evaluations`` is absent or empty."""

    evaluations: Annotated[tuple[PartialEvaluation, ...], Field(max_length=MAX_EVALUATIONS)] = ()
    options: EvaluationOptions = EvaluationOptions()

    @model_validator(mode="after")
    def _each_is_whole(self) -> Self:
        for one in self.evaluations or (self,):
            if None in (
                one.subject or self.subject,
                one.action or self.action,
                one.resource or self.resource,
            ):
                raise ValueError("an evaluation has subject, action and resource, or a default")
        return self

    def each(self) -> Iterator[Evaluation]:
        """Every evaluation, whole."""
        for one in self.evaluations or (self,):
            yield Evaluation.model_validate(
                {
                    "subject": one.subject or self.subject,
                    "action": one.action or self.action,
                    "resource": one.resource or self.resource,
                    "context": one.context or self.context or AskContext(),
                }
            )


class EvaluationError(Wire):
    """Why one of several could not be decided: a problem's code, as it stands where it is asked alone."""

    code: str


class DecisionContext(Wire):
    """What the decision rests on: grounds of a permit; or reasons, as codes and in each language.

    ``explanation`` is in the caller's language. ``error`` stands alone.
    """

    grounds: tuple[Ground, ...] = ()
    reasons: tuple[ReasonCode, ...] = ()
    reason_user: dict[Language, str] = Field(default_factory=dict)
    explanation: FieldExplanation | None = None
    obligations: Obligations | None = None
    stable_until: Instant | None = None
    policy: PolicyRef | None = None
    error: EvaluationError | None = None


class EvaluationAnswer(Wire):
    """One decision."""

    decision: bool
    context: DecisionContext


class EvaluationList(Wire):
    """The decisions in the order they were asked for, up to the one that settled it."""

    evaluations: tuple[EvaluationAnswer, ...]


class EvaluationsAnswer(RootModel[EvaluationList | EvaluationAnswer]):
    """Several decisions, or one where one was asked for."""
