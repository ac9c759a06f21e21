"""Gives money that does not fit a place of its own."""

from django.db import migrations

from anka.core.schema import read_sql


class Migration(migrations.Migration):
    """The queue of unidentified money, the questions to channels, and refunds that repay such money."""

    dependencies = [("payments", "0001_tables")]
    operations = [migrations.RunSQL(read_sql("payments", "0002_unidentified.sql"))]
