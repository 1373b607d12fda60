"""What people call where they want to be asked first: what was put to them, and their word."""

from typing import Annotated, Any

from pydantic import Field

from broker.api.endpoints import Endpoints, Exchange
from broker.api.service_routes import Query
from broker.domain.errors import QuestionAnswered, QuestionOver, SignerNotNeeded, SignersUnknown
from broker.domain.ids import QuestionId
from broker.errors import UnknownPerson, UnknownQuestion
from broker.usecases import questions
from tillit.wire import MyQuestion, MyQuestions, QuestionAnswer

endpoints = Endpoints()


class QuestionsQuery(Query):
    """How many questions."""

    limit: Annotated[int, Field(ge=1, le=200)] = 50


@endpoints.get(
    "/v1/me/questions",
    "person",
    query=QuestionsQuery,
    gives=MyQuestions,
    refuses=(UnknownPerson, SignersUnknown),
)
def my_questions(given: Exchange[Any]) -> MyQuestions:
    """What services ask that waits for the person's word, or has had it, newest first."""
    query: QuestionsQuery = given.query
    return questions.questions(person=given.person, limit=query.limit, ports=given.ports)


@endpoints.post(
    "/v1/me/questions/{question}/answer",
    "person",
    takes=QuestionAnswer,
    gives=MyQuestion,
    refuses=(
        UnknownQuestion,
        UnknownPerson,
        QuestionAnswered,
        QuestionOver,
        SignerNotNeeded,
        SignersUnknown,
    ),
)
def answer_question(given: Exchange[QuestionAnswer]) -> MyQuestion:
    """Say yes or no to one ask of one service; it hears at once that there is an answer."""
    identity = QuestionId(given.path["question"])
    return questions.answer(identity, given.body, call=given.person_call, ports=given.ports)
