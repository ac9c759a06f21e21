"""Lets a transfer made by hand come back."""

from django.db import migrations

from anka.core.schema import read_sql


class Migration(migrations.Migration):
    """Another kind of proof, and another reason why a person looks after a leg."""

    dependencies = [("payments", "0009_corrections")]
    operations = [migrations.RunSQL(read_sql("payments", "0010_returned.sql"))]
