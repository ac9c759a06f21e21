"""Lets the money of a case go back by a transfer that a person makes."""

from django.db import migrations

from anka.core.schema import read_sql


class Migration(migrations.Migration):
    """One more way for the money of a case."""

    dependencies = [("cases", "0002_whole_path")]
    operations = [migrations.RunSQL(read_sql("cases", "0003_by_hand.sql"))]
