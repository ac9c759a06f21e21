"""What keeps an installation in order by itself: warnings of clocks, signed checkpoints, sums of busy accounts, closed books,
forgetting what has served its time."""

from anka.core import database
from anka.core.clock import Moment
from anka.jobs import reconcile, warnings
from anka.jobs.checkpoints import make_checkpoint_if_due
from anka.jobs.closing_books import close_finished

BATCH = 5000


def keep_house(*, at: Moment) -> None:
    """Do all of it once, bounded; the worker calls this every minute, and several workers may."""
    make_checkpoint_if_due(at=at)
    database.value("SELECT roll_up_lazy_accounts()")
    close_finished(at=at)
    database.value("SELECT forget_old(%s, %s, %s)", (at.now, at.real, BATCH))
    database.value("SELECT forget_notices(%s, %s)", (at.now, BATCH))
    warnings.warn_of_all(at=at)
    reconcile.ask_daily(at=at)


def refresh_statistics() -> None:
    """Let PostgreSQL count its tables anew; call it after loading much at once, so that plans made on empty tables are made again."""
    database.value("SELECT refresh_statistics()")
