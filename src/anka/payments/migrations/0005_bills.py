"""Keeps what channels say in their bills, and what differs from our books."""

from django.db import migrations

from anka.core.schema import read_sql


class Migration(migrations.Migration):
    """Bills, their lines, and the inbox of differences."""

    dependencies = [("payments", "0004_ladder")]
    operations = [migrations.RunSQL(read_sql("payments", "0005_bills.sql"))]
