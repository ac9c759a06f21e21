"""Gives refunds that a channel cannot complete an owner, a clock and other ways."""

from django.db import migrations

from anka.core.schema import read_sql


class Migration(migrations.Migration):
    """The queue of stuck refunds, transfers by hand with proof and a second person."""

    dependencies = [("payments", "0003_channels")]
    operations = [migrations.RunSQL(read_sql("payments", "0004_ladder.sql"))]
