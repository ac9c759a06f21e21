"""Lets payments go through several channels, and pay for other things than orders."""

from django.db import migrations

from anka.core.schema import read_sql


class Migration(migrations.Migration):
    """Where a payment's cashier is, and payments into a wallet or a deposit."""

    dependencies = [("payments", "0002_unidentified")]
    operations = [migrations.RunSQL(read_sql("payments", "0003_channels.sql"))]
