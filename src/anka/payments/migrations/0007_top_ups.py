"""Lets payments fill wallets and deposits, unused balance go back, and wallet money be held for an order."""

from django.db import migrations

from anka.core.schema import read_sql


class Migration(migrations.Migration):
    """Where such payments lie, one hold per order, and refunds out of a wallet."""

    dependencies = [("payments", "0006_disputes")]
    operations = [migrations.RunSQL(read_sql("payments", "0007_top_ups.sql"))]
