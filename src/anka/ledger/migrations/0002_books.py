"""Completes the books."""

from django.db import migrations

from anka.core.schema import read_sql


class Migration(migrations.Migration):
    """Closing of finished escrows, statements and exports."""

    dependencies = [("ledger", "0001_tables")]
    operations = [migrations.RunSQL(read_sql("ledger", "0002_books.sql"))]
