"""The outbox of notices: sent with back-off until the merchant accepts them, at most fifteen times, across kills."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import httpx
import psycopg

from anka.core.clock import Moment
from anka.sandbox.exchange import Refused
from anka.sandbox.notices import Draft
from anka.sandbox.protocols.base import Protocol
from anka.sandbox.refunds import settle_due
from anka.sandbox.store import DatabaseBusy, Store, forget_nonces

log = logging.getLogger(__name__)

MOST_AT_ONCE = 8
ACCEPTED = "accepted"
# A protocol that has no notice of such a thing.
NOT_TOLD = "not told"
# After the n-th failure, the n-th wait; real seconds. Fifteen tries in about four hours.
BACK_OFF_SECONDS = (1, 2, 4, 8, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200)
_CLAIM = timedelta(seconds=30)
_PAUSE_SECONDS = 0.25
_TIMEOUT = httpx.Timeout(5.0, connect=2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claimed:
    identity: int
    tries: int
    draft: Draft


class Sender:
    """Sends what is due, from a thread of its own or when asked; also lets refunds settle when their time has come."""

    def __init__(self, *, store: Store, protocols: Callable[[str], Protocol], clock: Callable[[], Moment]) -> None:
        self._store = store
        self._protocols = protocols
        self._clock = clock
        self._client = httpx.Client(timeout=_TIMEOUT, trust_env=False, follow_redirects=False)
        self._workers = ThreadPoolExecutor(max_workers=MOST_AT_ONCE, thread_name_prefix="notice")
        self._forget_at = clock().real
        self._stopped = threading.Event()
        self._wanted = threading.Event()
        self._thread = threading.Thread(target=self._run, name="notices", daemon=True)

    def start(self) -> None:
        """Start sending in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Stop sending; what was not sent stays in the outbox."""
        self._stopped.set()
        self._wanted.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)
        self._workers.shutdown(wait=True, cancel_futures=True)
        self._client.close()

    def wake(self) -> None:
        """Say that something may have become due."""
        self._wanted.set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._wanted.wait(_PAUSE_SECONDS)
            self._wanted.clear()
            try:
                self.work_once()
            except (psycopg.Error, DatabaseBusy) as trouble:
                log.warning("The sandbox could not reach its database and will try again: %s", str(trouble).strip())
                self._stopped.wait(_PAUSE_SECONDS)

    def work_once(self) -> int:
        """Settle the refunds and send the notices that are due now, one batch of each, and return how many notices were tried."""
        moment = self._clock()
        with self._store.transaction() as connection:
            if moment.real >= self._forget_at:
                forget_nonces(connection=connection, real_now=moment.real)
                self._forget_at = moment.real + timedelta(minutes=1)
            settle_due(connection=connection, moment=moment)
        claimed = self._claim(moment=moment)
        list(self._workers.map(self._send, claimed))
        if len(claimed) == MOST_AT_ONCE:
            self._wanted.set()
        return len(claimed)

    def _claim(self, *, moment: Moment) -> list[_Claimed]:
        with self._store.transaction() as connection:
            rows = connection.execute(
                "UPDATE sandbox.notice SET claimed_until = %(until)s, tries = tries + 1 WHERE id IN ("
                " SELECT id FROM sandbox.notice WHERE finished_at IS NULL AND (claimed_until IS NULL OR claimed_until < %(real)s)"
                " AND due_at <= CASE due_clock WHEN 'real' THEN %(real)s ELSE %(sandbox)s END"
                " ORDER BY due_at, id LIMIT %(most)s FOR UPDATE SKIP LOCKED)"
                " RETURNING id, tries, notify_url, facts, due_at, disguise, age_seconds, request, most_tries",
                {"until": moment.real + _CLAIM, "real": moment.real, "sandbox": moment.now, "most": MOST_AT_ONCE},
            ).fetchall()
        return [
            _Claimed(
                identity=row[0],
                tries=row[1],
                draft=Draft(
                    notify_url=row[2],
                    facts=json.loads(row[3]),
                    due_at=row[4],
                    disguise=row[5],
                    age_seconds=row[6],
                    request=row[7],
                    most_tries=row[8],
                ),
            )
            for row in sorted(rows)
        ]

    def _send(self, claimed: _Claimed) -> None:
        self._record(claimed=claimed, heard=self._heard(claimed.draft))

    def _heard(self, draft: Draft) -> str:
        try:
            protocol = self._protocols(draft.protocol)
            notice = protocol.written(draft=draft, moment=self._clock())
            if notice is None:
                return NOT_TOLD
            answer = self._client.request(notice.method, notice.url, headers=dict(notice.headers), content=notice.body)
        except (httpx.HTTPError, httpx.InvalidURL, Refused) as trouble:
            return f"not delivered: {type(trouble).__name__}"
        accepted = protocol.accepts(status=answer.status_code, body=answer.content)
        return ACCEPTED if accepted else f"refused with {answer.status_code}"

    def _record(self, *, claimed: _Claimed, heard: str) -> None:
        real = self._clock().real
        finished = heard in (ACCEPTED, NOT_TOLD) or claimed.tries >= claimed.draft.most_tries
        wait = BACK_OFF_SECONDS[min(claimed.tries, len(BACK_OFF_SECONDS)) - 1]
        with self._store.transaction() as connection:
            connection.execute(
                "UPDATE sandbox.notice SET claimed_until = NULL, finished_as = %s, finished_at = %s, due_clock = 'real', due_at = %s"
                " WHERE id = %s",
                (heard, real if finished else None, real + timedelta(seconds=wait), claimed.identity),
            )
