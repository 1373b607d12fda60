"""The yardstick: a FastAPI + SQLModel endpoint that reads a row, inserts a row and commits.

It authenticates nothing. Same app server and options, same SQLite settings as the broker's.
"""

import sqlite3
import sys
from collections.abc import Iterator
from typing import Annotated, Any

import uvicorn
from fastapi import Depends, FastAPI
from sqlalchemy import event
from sqlmodel import Field, Session, SQLModel, create_engine, select


class Read(SQLModel, table=True):
    """The row that is read."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(index=True)


class Written(SQLModel, table=True):
    """The row that is inserted."""

    id: int | None = Field(default=None, primary_key=True)
    name: str


class Asked(SQLModel):
    """The body."""

    name: str


def application(database: str) -> FastAPI:
    """The bare application on a fresh SQLite file."""
    engine = create_engine(
        database,
        connect_args={"check_same_thread": False, "timeout": 5},
        pool_size=10,
        max_overflow=30,
    )

    @event.listens_for(engine, "connect")
    def _settings(connection: sqlite3.Connection, _: Any) -> None:
        connection.execute("PRAGMA busy_timeout = 5000")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")

    SQLModel.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Read(name="one"))
        session.commit()

    def _session() -> Iterator[Session]:
        with Session(engine) as session:
            yield session

    app = FastAPI()

    @app.post("/", status_code=201)
    def _insert(asked: Asked, session: Annotated[Session, Depends(_session)]) -> dict[str, int]:
        found = session.exec(select(Read).where(Read.name == asked.name)).one()
        written = Written(name=found.name)
        session.add(written)
        session.commit()
        return {"id": written.id or 0}

    return app


if __name__ == "__main__":
    uvicorn.run(
        application(sys.argv[1]),
        host="127.0.0.1",
        port=int(sys.argv[2]),
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )
