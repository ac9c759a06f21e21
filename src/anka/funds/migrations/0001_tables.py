"""Makes the tables of the funds room."""

from django.db import migrations

from anka.core.schema import read_sql


class Migration(migrations.Migration):
    """Deposits, withdrawals, and what a shop owes."""

    dependencies = [("ledger", "0002_books")]
    operations = [migrations.RunSQL(read_sql("funds", "0001_tables.sql"))]
