"""Keeps what finance staff say of payments whose channel cannot be asked."""

from django.db import migrations

from anka.core.schema import read_sql


class Migration(migrations.Migration):
    """Payments taken by hand, by two persons where they are large."""

    dependencies = [("payments", "0007_top_ups")]
    operations = [migrations.RunSQL(read_sql("payments", "0008_by_hand.sql"))]
